//! A descriptor that becomes readable at a time.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::sys::refused::Naming as _;

/// Makes a descriptor that is readable from `at` on.
pub(crate) fn readable_at(at: Instant) -> io::Result<OwnedFd> {
    let timer = timerfd_create(
        TimerfdClockId::Monotonic,
        TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK,
    )
    .naming("timerfd_create")?;
    let left = at.saturating_duration_since(Instant::now());
    // No time at all would stop the timer.
    let nanoseconds = left.subsec_nanos().max(1);
    let value = Timespec {
        tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: nanoseconds.into(),
    };
    let once = Itimerspec {
        it_interval: Timespec::default(),
        it_value: value,
    };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &once).naming("timerfd_settime")?;
    Ok(timer)
}
