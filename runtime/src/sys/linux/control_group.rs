//! The control groups that count the memory of this process.

use std::path::{Path, PathBuf};

/// Which kind of control groups it is: their files have other names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generation {
    First,
    Second,
}

/// A group, by its folder.
#[derive(Debug)]
pub(super) struct MemoryGroup {
    pub(super) generation: Generation,
    folder: PathBuf,
    /// The folder of all groups.
    root: PathBuf,
}

impl MemoryGroup {
    /// The groups of a process, in no order. `groups` is as in `/proc/self/cgroup`, and `root` where their
    /// file systems are.
    pub(super) fn all(groups: &str, root: &Path) -> Vec<MemoryGroup> {
        let group = |line: &str| -> Option<MemoryGroup> {
            let mut parts = line.splitn(3, ':').skip(1);
            let (controllers, path) = (parts.next()?, parts.next()?.trim_start_matches('/'));
            let (generation, root) = if controllers.is_empty() {
                // Beside groups of the first kind they are a folder below.
                let mixed = root.join("unified");
                let root = if mixed.is_dir() {
                    mixed
                } else {
                    root.to_owned()
                };
                (Generation::Second, root)
            } else if controllers.split(',').any(|name| name == "memory") {
                (Generation::First, root.join("memory"))
            } else {
                return None;
            };
            Some(MemoryGroup {
                generation,
                folder: root.join(path),
                root,
            })
        };
        groups.lines().filter_map(group).collect()
    }

    /// The folder of the group, and of those above it, from the lowest on. In a container the path is the
    /// host's, and only the root is there.
    pub(super) fn and_above(&self) -> impl Iterator<Item = &Path> {
        let root = &self.root;
        let folders = self.folder.ancestors();
        folders.take_while(move |folder| folder.starts_with(root))
    }
}
