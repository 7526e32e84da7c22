use std::time::Duration;

/// What a process that has ended had used up. See [`Process::usage`](crate::Process::usage) and
/// [`Error::usage`](crate::Error::usage).
///
/// The processes that it started itself and waited for are counted in: their times are added to its
/// own, and of all the memories the largest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub(crate) max_resident_memory: u64,
    pub(crate) user_time: Duration,
    pub(crate) system_time: Duration,
}

impl Usage {
    /// The most memory that it had at a time, in bytes: what really was in memory, shared with
    /// others or not.
    ///
    /// Linux counts from before the program was executed. So with
    /// [`StartMethod::Spawn`](crate::StartMethod::Spawn) it is never less than what the parent had
    /// then.
    #[must_use]
    pub fn max_resident_memory(&self) -> u64 {
        self.max_resident_memory
    }

    /// The time for which its own code ran, on all CPUs together.
    #[must_use]
    pub fn user_time(&self) -> Duration {
        self.user_time
    }

    /// The time for which the kernel worked for it, on all CPUs together.
    #[must_use]
    pub fn system_time(&self) -> Duration {
        self.system_time
    }
}
