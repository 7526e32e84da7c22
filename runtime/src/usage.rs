use std::time::Duration;

/// The resources that a process has used. Returned by [`Process::usage`](crate::Process::usage) and
/// [`Error::usage`](crate::Error::usage).
///
/// The processes that it started itself and waited for are included: their times are added to its
/// own, and the largest of all their memories counts.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn fail() {
///     panic!("for the example");
/// }
///
/// let error = fail::run().unwrap_err();
/// let usage = error.usage().unwrap();
/// println!("{} KiB, {:?}", usage.max_resident_memory() >> 10, usage.user_time());
/// # assert!(usage.max_resident_memory() > 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub(crate) max_resident_memory: u64,
    pub(crate) user_time: Duration,
    pub(crate) system_time: Duration,
}

impl Usage {
    /// Returns the peak resident memory in bytes, whether it was shared with other processes or
    /// not.
    ///
    /// Linux counts from before the program was executed. So with
    /// [`StartMethod::Spawn`](crate::StartMethod::Spawn) it is never less than the parent's
    /// resident memory at that time.
    #[must_use]
    pub fn max_resident_memory(&self) -> u64 {
        self.max_resident_memory
    }

    /// Returns the time for which the process's own code ran, on all CPUs together.
    #[must_use]
    pub fn user_time(&self) -> Duration {
        self.user_time
    }

    /// Returns the time for which the kernel worked for the process, on all CPUs together.
    #[must_use]
    pub fn system_time(&self) -> Duration {
        self.system_time
    }
}
