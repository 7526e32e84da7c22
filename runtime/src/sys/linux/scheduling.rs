//! How the kernel schedules a thread: its time on a CPU, its input and output.

#![expect(unsafe_code, reason = "rustix has neither of the two")]

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity};
use serde::{Deserialize, Serialize};

/// The policy of a thread, and its place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scheduling {
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    /// Class and level of input and output, as `ioprio_set(2)` has them.
    io_priority: u32,
}

/// The kernel's `struct sched_attr`, as long as it was in the beginning.
#[derive(Default)]
#[repr(C)]
struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

const SIZE: u32 = 48;
const _: () = assert!(size_of::<Attributes>() == SIZE as usize);

const ORDINARY: u32 = libc::SCHED_OTHER.cast_unsigned();
const BATCH: u32 = libc::SCHED_BATCH.cast_unsigned();
const IDLE: u32 = libc::SCHED_IDLE.cast_unsigned();

/// The class of a thread whose input and output go before those of all others.
const IO_REAL_TIME: u32 = 1;
const IO_CLASS_SHIFT: u32 = 13;

/// Who an I/O priority is asked about: a thread; the one that asks.
const THREAD: libc::c_int = 1;
const SELF: libc::c_int = 0;

impl Scheduling {
    /// That of this thread; `None` where a filter on system calls does not let it be asked.
    pub(crate) fn current() -> Option<Scheduling> {
        let Attributes {
            policy,
            flags,
            nice,
            priority,
            ..
        } = attributes()?;
        Some(Scheduling {
            policy,
            flags,
            nice,
            priority,
            io_priority: io_priority()?,
        })
    }

    /// Whether this is more than `other`, so that a thread that has the other cannot rise to it
    /// without a privilege.
    pub(crate) fn is_above(&self, other: &Scheduling) -> bool {
        self.nice < other.nice || (other.policy == IDLE && self.policy != IDLE)
    }

    /// Whether it takes a privilege to come to this from any other, or it is not handed on as it
    /// is.
    pub(crate) fn is_special(&self) -> bool {
        !matches!(self.policy, ORDINARY | BATCH | IDLE)
            || self.flags != 0
            || self.io_priority >> IO_CLASS_SHIFT == IO_REAL_TIME
    }

    /// Makes it this thread's.
    pub(crate) fn apply(&self) -> io::Result<()> {
        set_attributes(&Attributes {
            size: SIZE,
            policy: self.policy,
            flags: self.flags,
            nice: self.nice,
            priority: self.priority,
            ..Attributes::default()
        })?;
        set_io_priority(self.io_priority)
    }
}

/// How many CPUs this thread may run on, as far as that is known.
pub(crate) fn usable_cpus() -> u32 {
    sched_getaffinity(None).map_or(1, |cpus| cpus.count())
}

/// The numbers of the CPUs that this thread may run on.
pub(crate) fn cpus() -> io::Result<Vec<usize>> {
    let cpus = sched_getaffinity(None)?;
    let numbers = 0..CpuSet::MAX_CPU;
    Ok(numbers.filter(|cpu| cpus.is_set(*cpu)).collect())
}

/// Adds to the niceness of this thread.
pub(crate) fn add_nice(increment: i32) -> io::Result<()> {
    rustix::process::nice(increment)?;
    Ok(())
}

fn attributes() -> Option<Attributes> {
    let mut attributes = Attributes::default();
    let place = &raw mut attributes;
    // SAFETY: the kernel writes at most `SIZE` bytes to the place, which has as many.
    let got = unsafe { libc::syscall(libc::SYS_sched_getattr, SELF, place, SIZE, 0) };
    (got == 0).then_some(attributes)
}

fn set_attributes(attributes: &Attributes) -> io::Result<()> {
    let place = &raw const *attributes;
    // SAFETY: the kernel reads as many bytes as the first field says, which are there.
    match unsafe { libc::syscall(libc::SYS_sched_setattr, SELF, place, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn io_priority() -> Option<u32> {
    // SAFETY: it takes numbers.
    let priority = unsafe { libc::syscall(libc::SYS_ioprio_get, THREAD, SELF) };
    u32::try_from(priority).ok()
}

fn set_io_priority(priority: u32) -> io::Result<()> {
    // SAFETY: it takes numbers.
    match unsafe { libc::syscall(libc::SYS_ioprio_set, THREAD, SELF, priority) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_has_what_it_is_given() {
        std::thread::spawn(|| {
            let before = Scheduling::current().unwrap();
            let lower = Scheduling {
                policy: BATCH,
                nice: 19,
                io_priority: 2 << IO_CLASS_SHIFT | 7,
                ..before
            };
            lower.apply().unwrap();
            assert_eq!(Scheduling::current().unwrap(), lower);
            assert!(!lower.is_above(&before));
            assert!(before.is_above(&lower));
            assert!(!lower.is_special());
        })
        .join()
        .unwrap();
    }
}
