//! What a process that runs has used so far.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rustix::param::{clock_ticks_per_second, page_size};

use super::thread_stat::Stat;
use crate::usage::Usage;

/// The process's resident memory in bytes, and what it has used so far. `None` if there is no such
/// process any more.
pub(crate) fn usage_so_far(process: u32) -> Option<(u64, Usage)> {
    let folder = PathBuf::from(format!("/proc/{process}"));
    let stat = Stat::read(&folder)?;
    if stat.is_dead() {
        return None;
    }
    let resident = stat.resident_pages()? * page_size() as u64;
    let (user, system) = stat.times()?;
    let status = fs::read_to_string(folder.join("status")).ok()?;
    let usage = Usage {
        // The kernel updates the peak now and then.
        max_resident_memory: peak(&status)?.max(resident),
        user_time: time(user),
        system_time: time(system),
    };
    Some((resident, usage))
}

/// The peak of the resident memory in bytes.
fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes << 10)
}

/// A time that is told in ticks of the clock.
fn time(ticks: u64) -> Duration {
    let nanoseconds = u128::from(ticks) * 1_000_000_000 / u128::from(clock_ticks_per_second());
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_used_something() {
        let (resident, usage) = usage_so_far(std::process::id()).unwrap();
        assert!(resident > 100 << 10, "{resident}");
        assert!(usage.max_resident_memory() >= resident, "{usage:?}");
        assert_eq!(usage_so_far(u32::MAX), None);
    }

    #[test]
    fn units_are_those_of_the_kernel() {
        let status = "Name:\tVmHWM: 1 kB\nVmPeak:\t  900 kB\nVmHWM:\t    4096 kB\nThreads:\t1\n";
        assert_eq!(peak(status), Some(4 << 20));
        assert_eq!(peak("Name:\tkthreadd\n"), None);
        assert_eq!(time(clock_ticks_per_second() * 3), Duration::from_secs(3));
    }
}
