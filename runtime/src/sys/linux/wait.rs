//! What a child had used up when it ended.

#![expect(
    unsafe_code,
    reason = "waitid with a fifth argument is only to be had as a raw system call"
)]

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use crate::usage::Usage;

/// What a child has used up that has ended and is not reaped yet; it stays so. `None` otherwise, and
/// where the kernel does not tell.
pub(crate) fn usage_of_ended(pidfd: BorrowedFd<'_>) -> Option<Usage> {
    const OPTIONS: libc::c_int = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;

    let mut information = MaybeUninit::<libc::siginfo_t>::zeroed();
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the kernel writes to two places that are as large as their types say.
    let waited = unsafe {
        libc::syscall(
            libc::SYS_waitid,
            libc::P_PIDFD,
            pidfd.as_raw_fd(),
            information.as_mut_ptr(),
            OPTIONS,
            usage.as_mut_ptr(),
        )
    };
    // SAFETY: numbers, which are zero where nothing was written.
    let information = unsafe { information.assume_init() };
    // SAFETY: of a child that has ended, this field is set; else it is zero.
    let pid = unsafe { information.si_pid() };
    if waited != 0 || pid == 0 {
        return None;
    }
    // SAFETY: as above.
    let usage = unsafe { usage.assume_init() };
    Some(Usage {
        // In units of 1024 bytes.
        max_resident_memory: u64::try_from(usage.ru_maxrss).unwrap_or(0) << 10,
        user_time: duration(usage.ru_utime),
        system_time: duration(usage.ru_stime),
    })
}

fn duration(time: libc::timeval) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let microseconds = u64::try_from(time.tv_usec).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(microseconds)
}
