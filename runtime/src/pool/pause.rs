//! Waiting awake for a moment before sleeping.
//!
//! To put a thread to sleep and wake it again takes longer than many a task. So who waits for
//! something that came quickly the last time looks for it a while first. It costs a wait that
//! turns out long no more than about what sleeping and waking cost.
//!
//! This is not [`spin`](crate::spin), though that waits awake, too. There, what is waited for is a
//! word in memory that changes within a microsecond or never soon; each thread counts its looks,
//! learns from whether one of them was in vain, and never gives up its CPU. Here it is a message of
//! a process, which takes as long as a task: the time counts, the length of the whole wait with the
//! sleep in it tells what to do the next time, each wait has a memory of its own, and the other process
//! may need the CPU.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::sys::scheduling;

/// How long to stay awake.
const AWAKE: Duration = Duration::from_micros(50);

/// How often to look before another thread may have the CPU, if one wants it: about as long as the
/// system takes to say that none does.
const LOOKS: u32 = 16;

/// A wait that was not longer than this was short: one of [`AWAKE`], plus some waking up.
const SHORT: Duration = Duration::from_micros(100);

/// Waits of one kind.
#[derive(Debug)]
pub(crate) struct Pause {
    /// Whether the last one was short.
    short: AtomicBool,
    /// Whether there is a CPU for the others while this one stays awake.
    possible: bool,
}

impl Pause {
    pub(crate) fn new() -> Pause {
        Pause {
            short: AtomicBool::new(false),
            possible: scheduling::usable_cpus() > 1,
        }
    }

    /// Runs `sleep`, which waits for something; if that may be soon, it looks whether it
    /// `has_come` first.
    pub(crate) fn wait<R>(&self, has_come: impl Fn() -> bool, sleep: impl FnOnce() -> R) -> R {
        let begin = Instant::now();
        if self.possible && self.short.load(Relaxed) {
            let mut looks = 0_u32;
            while !has_come() && begin.elapsed() < AWAKE {
                std::hint::spin_loop();
                looks += 1;
                // What is waited for may need this CPU.
                if looks.is_multiple_of(LOOKS) {
                    std::thread::yield_now();
                }
            }
        }
        let result = sleep();
        self.short.store(begin.elapsed() <= SHORT, Relaxed);
        result
    }
}
