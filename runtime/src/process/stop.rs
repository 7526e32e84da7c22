use std::time::Duration;

use super::handle::Process;
use super::killer::Killer;

impl<R> Process<R> {
    /// Asks the worker to stop, and kills the process if it has not ended after this time. Returns
    /// `false` if it has ended already.
    ///
    /// The worker is asked by [`is_cancelled`](crate::is_cancelled), which is `true` from then on. If
    /// it returns a value in time, joining the process gives that value. Otherwise, the error is
    /// [`Cancelled`](crate::ErrorKind::Cancelled); if the worker ended by itself in another way, such
    /// as a panic, the error's [source](std::error::Error::source) is what it would be without the
    /// request.
    ///
    /// This returns at once. If it is called again, the shorter limit counts: the one that comes
    /// first. Without any `grace`, the process is killed at once. After one that is too long to be
    /// added to the present time, it is never killed, only asked. A process that is stopped
    /// (`SIGSTOP`) cannot see that it is asked, and is killed when the time is over. Dropping the
    /// `Process` takes nothing back. [A page of the guide](crate::guide::stopping) has the other ways
    /// to stop.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn count() -> u64 {
    ///     let mut count = 0;
    ///     while !multiproc::is_cancelled() {
    ///         count += 1;
    ///     }
    ///     count
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let process = count::spawn()?;
    /// process.cancel_within(Duration::from_secs(10));
    /// println!("it has counted to {}", process.join()?);
    /// # Ok(())
    /// # }
    /// ```
    #[expect(
        clippy::must_use_candidate,
        reason = "most callers do not care whether it was in time"
    )]
    pub fn cancel_within(&self, grace: Duration) -> bool {
        self.child.stop_within(grace)
    }
}

impl Killer {
    /// Asks the worker to stop, and kills the process if it has not ended after this time, as
    /// [`Process::cancel_within`](crate::Process::cancel_within) does. Returns `false` if it has ended
    /// already.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{ErrorKind, worker};
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn wait_for_ever() {
    ///     loop {
    ///         std::thread::park();
    ///     }
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let process = wait_for_ever::spawn()?;
    /// let killer = process.killer();
    /// std::thread::spawn(move || killer.cancel_within(Duration::from_millis(50)));
    /// assert_eq!(process.join().unwrap_err().kind(), ErrorKind::Cancelled);
    /// # Ok(())
    /// # }
    /// ```
    #[expect(
        clippy::must_use_candidate,
        reason = "most callers do not care whether it was in time"
    )]
    pub fn cancel_within(&self, grace: Duration) -> bool {
        self.0.stop_within(grace)
    }
}
