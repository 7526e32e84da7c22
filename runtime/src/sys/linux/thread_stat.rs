//! What `/proc` tells of a process or a thread in one line.

use std::fs;
use std::path::Path;

/// A `stat` file, as of `/proc/PID` or `/proc/PID/task/TID`.
#[derive(Debug)]
pub(crate) struct Stat(String);

impl Stat {
    /// Reads the file in this folder; `None` if there is no such process or thread any more.
    pub(super) fn read(folder: impl AsRef<Path>) -> Option<Stat> {
        let text = fs::read_to_string(folder.as_ref().join("stat")).ok()?;
        Some(Stat(text))
    }

    /// Whether it is dead, and only its status is left.
    pub(super) fn is_dead(&self) -> bool {
        matches!(self.fields().next(), Some("Z" | "X"))
    }

    /// Whether it sleeps, and waits for what happens elsewhere.
    pub(super) fn sleeps(&self) -> bool {
        self.fields().next() == Some("S")
    }

    /// How many threads its process has.
    pub(super) fn threads(&self) -> Option<u64> {
        // The 20th field.
        self.fields().nth(17)?.parse().ok()
    }

    /// Whether it will not return from the kernel: `PF_EXITING` is set before those who join a thread
    /// are told.
    pub(super) fn is_ending(&self) -> bool {
        const PF_EXITING: u64 = 0x4;
        let flags = self.fields().nth(6).and_then(|flags| flags.parse().ok());
        flags.is_some_and(|flags: u64| flags & PF_EXITING != 0)
    }

    /// How a dead process ended, as `waitpid` would tell it. 0 where this process may not know.
    pub(super) fn exit_code(&self) -> Option<i32> {
        // The 52nd field, of which the name is the second.
        self.fields().nth(49)?.parse().ok()
    }

    /// How long its own code has run, and the kernel for it, in ticks of the clock.
    pub(super) fn times(&self) -> Option<(u64, u64)> {
        // The 14th field and the next.
        let mut times = self.fields().skip(11).map_while(|time| time.parse().ok());
        times.next().zip(times.next())
    }

    /// How many of its pages are in memory.
    pub(super) fn resident_pages(&self) -> Option<u64> {
        // The 24th field.
        self.fields().nth(21)?.parse().ok()
    }

    /// The fields after the name, which is in parentheses and may itself have some.
    fn fields(&self) -> impl Iterator<Item = &str> {
        let rest = self.0.rsplit_once(')').map_or("", |(_, rest)| rest);
        rest.split_ascii_whitespace()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_thread_that_ends_is_told_from_one_that_runs() {
        let stat = |text: &str| Stat(text.to_owned());
        let running = stat("12 (a (b) c) S 1 12 12 0 -1 4194304 1 2 3");
        let ending = stat("12 (a (b) c) R 1 12 12 0 -1 4194308 1 2 3");
        assert!(!running.is_ending());
        assert!(ending.is_ending());
        assert!(!stat("").is_ending());
        let own = Stat::read("/proc/thread-self").unwrap();
        assert!(!own.is_ending(), "{own:?}");
        assert!(!own.sleeps(), "{own:?}");
        assert!(running.sleeps());
        assert!(own.threads().is_some_and(|threads| threads > 0), "{own:?}");
    }

    #[test]
    fn a_thread_that_was_joined_does_not_count() {
        let joined = || {
            let thread = thread::spawn(|| rustix::thread::gettid().as_raw_nonzero());
            thread.join().unwrap()
        };
        for _ in 0..1000 {
            let stat = Stat::read(format!("/proc/self/task/{}", joined()));
            assert!(stat.as_ref().is_none_or(Stat::is_ending), "{stat:?}");
        }
    }
}
