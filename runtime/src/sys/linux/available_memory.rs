//! How much memory there is still to be had.
//!
//! The kernel takes page after page for a file in memory until there are none, and then kills
//! a process. So a large request is compared first with what the system says it could give, and
//! with what the limits of the process's control groups leave. Both are old news when they are
//! read, and a guess: what is not known does not stand in the way.

use std::fs;
use std::path::Path;

use super::control_group::{Generation, MemoryGroup};

/// What could be had, in bytes; `None` if nothing says so.
pub(crate) fn bytes() -> Option<u64> {
    let in_system = of_system(&fs::read_to_string("/proc/meminfo").ok()?);
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let in_groups = of_groups(&groups, Path::new("/sys/fs/cgroup"));
    in_system.into_iter().chain(in_groups).min()
}

fn of_system(meminfo: &str) -> Option<u64> {
    let kilobytes = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    let free = kilobytes("MemAvailable:")?;
    let swap = kilobytes("SwapFree:").unwrap_or(0);
    free.checked_add(swap)?.checked_mul(1024)
}

/// The files of a kind of control groups.
struct ControlFiles {
    limit: &'static str,
    usage: &'static str,
    swap_limit: &'static str,
    swap_usage: &'static str,
    /// Memory that is in use and can be had at once, in `memory.stat`.
    reclaimable: [&'static str; 2],
}

const SECOND: ControlFiles = ControlFiles {
    limit: "memory.max",
    usage: "memory.current",
    swap_limit: "memory.swap.max",
    swap_usage: "memory.swap.current",
    reclaimable: ["inactive_file", "active_file"],
};

/// Their limit on swap counts memory too; it is left out.
const FIRST: ControlFiles = ControlFiles {
    limit: "memory.limit_in_bytes",
    usage: "memory.usage_in_bytes",
    swap_limit: "",
    swap_usage: "",
    reclaimable: ["total_inactive_file", "total_active_file"],
};

/// The least of what the groups and those above them leave. `groups` is as in `/proc/self/cgroup`.
fn of_groups(groups: &str, root: &Path) -> Option<u64> {
    let least = |group: &MemoryGroup| -> Option<u64> {
        let files = match group.generation {
            Generation::First => &FIRST,
            Generation::Second => &SECOND,
        };
        let left = group.and_above().filter_map(|folder| left(folder, files));
        left.min()
    };
    let groups = MemoryGroup::all(groups, root);
    groups.iter().filter_map(least).min()
}

/// What one group leaves, if it has a limit.
fn left(group: &Path, files: &ControlFiles) -> Option<u64> {
    let number = |file: &str| -> Option<u64> {
        let text = fs::read_to_string(group.join(file)).ok()?;
        text.trim().parse().ok()
    };
    let limit = number(files.limit)?;
    let stat = fs::read_to_string(group.join("memory.stat")).unwrap_or_default();
    let reclaimable: u64 = stat
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(name, _)| files.reclaimable.contains(name))
        .filter_map(|(_, bytes)| bytes.parse::<u64>().ok())
        .fold(0, u64::saturating_add);
    let used = number(files.usage)?.saturating_sub(reclaimable);
    let swap = number(files.swap_limit)
        .zip(number(files.swap_usage))
        .map_or(0, |(limit, used)| limit.saturating_sub(used));
    Some(limit.saturating_sub(used).saturating_add(swap))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A folder of control groups, gone when the test is.
    struct Groups(PathBuf);

    impl Groups {
        fn new(name: &str, files: &[(&str, &str)]) -> Groups {
            let root =
                std::env::temp_dir().join(format!("multiproc-{}-{name}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, format!("{text}\n")).unwrap();
            }
            Groups(root)
        }

        fn left(&self, groups: &str) -> Option<u64> {
            of_groups(groups, &self.0)
        }
    }

    impl Drop for Groups {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_system_is_asked() {
        let text = "MemTotal: 9 kB\nMemAvailable:   3000 kB\nSwapFree:  1000 kB\n";
        assert_eq!(of_system(text), Some(4_096_000));
        assert_eq!(of_system("MemTotal: 9 kB\n"), None);
        assert!(bytes().is_some_and(|bytes| bytes > 0));
    }

    #[test]
    fn a_limit_is_found_in_any_group_above() {
        let groups = Groups::new(
            "above",
            &[
                ("a/memory.max", "1000"),
                ("a/memory.current", "700"),
                ("a/memory.stat", "anon 5\ninactive_file 100\nactive_file 50"),
                ("a/b/memory.max", "max"),
                ("a/b/memory.current", "600"),
            ],
        );
        assert_eq!(groups.left("0::/a/b\n"), Some(450));
        assert_eq!(groups.left("0::/\n"), None);
        // The path of a host that is not to be seen here.
        assert_eq!(groups.left("0::/a/elsewhere\n"), Some(450));
    }

    #[test]
    fn swap_counts_as_far_as_it_is_allowed() {
        let groups = Groups::new(
            "swap",
            &[
                ("memory.max", "1000"),
                ("memory.current", "1200"),
                ("memory.swap.max", "500"),
                ("memory.swap.current", "100"),
            ],
        );
        assert_eq!(groups.left("0::/\n"), Some(400));
    }

    #[test]
    fn groups_of_the_first_kind_are_known() {
        let groups = Groups::new(
            "first",
            &[
                ("unified/memory.max", "max"),
                ("memory/memory.limit_in_bytes", "2000"),
                ("memory/memory.usage_in_bytes", "1500"),
                (
                    "memory/memory.stat",
                    "inactive_file 9\ntotal_inactive_file 10",
                ),
            ],
        );
        let text = "4:cpu,memory:/docker/1\n1:cpu:/\n0::/\n";
        assert_eq!(groups.left(text), Some(510));
    }
}
