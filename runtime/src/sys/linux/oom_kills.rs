//! Whether the kernel has killed a process because there was no memory.
//!
//! It does that by `SIGKILL`, as anything else might. But it counts, for each control group, how many
//! processes of it have been killed so. The count is read when a child is started, and again when one has
//! died of a `SIGKILL` that this process has not sent: if it is higher, that is why, probably. It may
//! have been another process of the group, which died at the same time of something else; of each such
//! death that is counted, one child's is explained at most.
//!
//! In groups of the second kind the count is also that of the groups below. A child that has left this
//! process's group for another is not found out about.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::control_group::{Generation, MemoryGroup};

/// How many processes of this process's group have been killed so.
pub(super) fn count() -> Option<u64> {
    // It is kept open, because opening it takes ten times as long as reading it.
    static FILE: OnceLock<Option<File>> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        File::open(find(&groups, Path::new("/sys/fs/cgroup"))?).ok()
    });
    read(file.as_ref()?)
}

/// Whether such a death explains one that has just been seen, of a child that was started when there had
/// been `before` of them.
pub(super) fn explains(before: Option<u64>) -> bool {
    static EXPLAINED: AtomicU64 = AtomicU64::new(0);
    let (Some(before), Some(now)) = (before, count()) else {
        return false;
    };
    explain(&EXPLAINED, before, now)
}

fn explain(explained: &AtomicU64, before: u64, now: u64) -> bool {
    let next = |explained: u64| {
        let known = explained.max(before);
        (now > known).then(|| known + 1)
    };
    explained.fetch_update(Relaxed, Relaxed, next).is_ok()
}

/// The file that has the count.
fn find(groups: &str, root: &Path) -> Option<PathBuf> {
    let groups = MemoryGroup::all(groups, root);
    let mut files = groups.iter().flat_map(|group| {
        let name = match group.generation {
            Generation::First => "memory.oom_control",
            Generation::Second => "memory.events",
        };
        group.and_above().map(move |folder| folder.join(name))
    });
    files.find(|file| File::open(file).is_ok_and(|file| read(&file).is_some()))
}

fn read(file: &File) -> Option<u64> {
    /// Such a file has a few short lines.
    const LENGTH: usize = 512;

    let mut text = [0; LENGTH];
    let length = file.read_at(&mut text, 0).ok()?;
    parse(str::from_utf8(text.get(..length)?).ok()?)
}

fn parse(text: &str) -> Option<u64> {
    let mut fields = text.lines().filter_map(|line| line.split_once(' '));
    let (_, count) = fields.find(|(name, _)| *name == "oom_kill")?;
    count.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_found_in_both_kinds_of_files() {
        let first = "oom_kill_disable 0\nunder_oom 1\noom_kill 3\n";
        let second = "low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\noom_group_kill 0\n";
        assert_eq!(parse(first), Some(3));
        assert_eq!(parse(second), Some(2));
        // Older kernels do not count.
        assert_eq!(parse("oom_kill_disable 0\nunder_oom 0\n"), None);
        assert_eq!(parse("oom_kill many\n"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn the_lowest_group_that_is_there_counts() {
        let root = std::env::temp_dir().join(format!("multiproc-oom-{}", std::process::id()));
        let write = |path: &str, text: &str| {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let found = |groups: &str| {
            let file = find(groups, &root)?;
            Some(file.strip_prefix(&root).unwrap().to_owned())
        };
        write("a/b/memory.events", "oom_kill 1\n");
        write("a/memory.events", "oom_kill 2\n");
        assert_eq!(found("0::/a/b\n").unwrap(), Path::new("a/b/memory.events"));
        assert_eq!(found("0::/a/c\n").unwrap(), Path::new("a/memory.events"));
        assert_eq!(found("0::/\n"), None);
        write("unified/cgroup.procs", "");
        write("memory/memory.oom_control", "oom_kill 3\n");
        let groups = "4:cpu,memory:/docker/1\n0::/\n";
        let file = Path::new("memory/memory.oom_control");
        assert_eq!(found(groups).unwrap(), file);
        assert_eq!(found("4:cpu:/docker/1\n"), None);
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn each_kill_explains_one_death() {
        let explained = AtomicU64::new(0);
        // Five were counted before the child began, none since.
        assert!(!explain(&explained, 5, 5));
        // Two children, one kill.
        assert!(explain(&explained, 5, 6));
        assert!(!explain(&explained, 5, 6));
        // Two children, two kills.
        assert!(explain(&explained, 6, 8));
        assert!(explain(&explained, 6, 8));
        assert!(!explain(&explained, 6, 8));
        // Of kills that explain nothing, none is left for a child that begins later.
        assert!(!explain(&explained, 20, 20));
        assert!(explain(&explained, 20, 21));
    }
}
