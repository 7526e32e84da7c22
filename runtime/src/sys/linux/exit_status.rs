//! How a process ended, beyond what std tells on all systems.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// The signal that ended the process, if one did.
pub(crate) fn signal(status: ExitStatus) -> Option<i32> {
    status.signal()
}

/// Whether it was `SIGKILL`.
pub(crate) fn is_killed(status: ExitStatus) -> bool {
    status.signal() == Some(libc::SIGKILL)
}

/// Whether the process has left a core dump.
pub(crate) fn has_dumped_core(status: ExitStatus) -> bool {
    status.core_dumped()
}
