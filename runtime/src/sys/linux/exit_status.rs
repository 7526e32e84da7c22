//! How a process ended, beyond what std tells on all systems.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::signal::INQUIRY;

/// The status as the kernel has it.
pub(crate) fn into_raw(status: ExitStatus) -> i32 {
    status.into_raw()
}

/// The status that the kernel has so.
#[expect(clippy::unnecessary_wraps, reason = "on other systems there is none")]
pub(crate) fn from_raw(raw: i32) -> Option<ExitStatus> {
    Some(ExitStatus::from_raw(raw))
}

/// The signal that ended the process, if one did.
pub(crate) fn signal(status: ExitStatus) -> Option<i32> {
    status.signal()
}

/// Whether it was `SIGKILL`, or what comes before that and ends a process that does not handle it.
pub(crate) fn is_killed(status: ExitStatus) -> bool {
    matches!(status.signal(), Some(libc::SIGKILL | INQUIRY))
}

/// Whether the process has left a core dump.
pub(crate) fn has_dumped_core(status: ExitStatus) -> bool {
    status.core_dumped()
}
