use std::fmt;
use std::sync::Arc;

use super::monitor::Child;

/// Ends a process from anywhere, for instance while another thread [joins](crate::Process::join) it.
/// Made by [`Process::killer`](crate::Process::killer).
///
/// Clones are the same. Keeping one keeps nothing alive, and dropping it does nothing to the process.
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
pub struct Killer(Arc<Child>);

impl Killer {
    pub(super) fn new(child: Arc<Child>) -> Killer {
        Killer(child)
    }

    /// The process id. It is the process's until that has ended.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Asks the process to end, as [`Process::terminate`](crate::Process::terminate) does. Does
    /// nothing if it has ended.
    pub fn terminate(&self) {
        self.0.terminate();
    }

    /// Ends the process, as [`Process::kill`](crate::Process::kill) does. Does nothing if it has
    /// ended.
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
