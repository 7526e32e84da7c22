use std::fmt;
use std::sync::Arc;

use super::monitor::Child;

/// A handle that ends a process from anywhere, for instance while another thread
/// [joins](crate::Process::join) it. Returned by [`Process::killer`](crate::Process::killer).
///
/// All clones end the same process. Keeping one keeps nothing alive, and dropping one has no effect
/// on the process.
///
/// # Examples
///
/// ```
/// use multiproc::{ErrorKind, worker};
/// use std::thread;
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
/// let joining = thread::spawn(|| process.join());
/// // The user has pressed "stop".
/// killer.kill();
/// let error = joining.join().unwrap().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Signaled);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Killer(pub(super) Arc<Child>);

impl Killer {
    pub(super) fn new(child: Arc<Child>) -> Killer {
        Killer(child)
    }

    /// Returns the process id, which belongs to the process until it has ended.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Asks the process to end, as [`Process::terminate`](crate::Process::terminate) does. Does
    /// nothing if it has ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::worker;
    /// # #[worker]
    /// # fn wait_for_ever() {
    /// #     loop {
    /// #         std::thread::park();
    /// #     }
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// let process = wait_for_ever::spawn()?;
    /// let killer = process.killer();
    /// std::thread::spawn(move || killer.terminate());
    /// assert_eq!(process.join().unwrap_err().signal(), Some(15));
    /// # Ok(())
    /// # }
    /// ```
    pub fn terminate(&self) {
        self.0.terminate();
    }

    /// Ends the process, as [`Process::kill`](crate::Process::kill) does. Does nothing if it has
    /// ended.
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::worker;
    /// # #[worker]
    /// # fn wait_for_ever() {
    /// #     loop {
    /// #         std::thread::park();
    /// #     }
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// let process = wait_for_ever::spawn()?;
    /// let killer = process.killer();
    /// std::thread::spawn(move || killer.kill());
    /// assert_eq!(process.join().unwrap_err().signal(), Some(9));
    /// # Ok(())
    /// # }
    /// ```
    pub fn kill(&self) {
        self.0.kill();
    }
}

impl fmt::Debug for Killer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Killer")
            .field("id", &self.id())
            .finish_non_exhaustive()
    }
}
