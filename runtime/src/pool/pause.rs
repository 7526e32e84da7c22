//! Waiting awake for a moment before sleeping.
//!
//! To put a thread to sleep and wake it again takes longer than many a task. So who waits for
//! something that came quickly the last time looks for it a while first. It costs a wait that
//! turns out long no more than about what sleeping and waking cost.
//!
//! Who stays awake uses up the time that the kernel gives it. If other processes want the CPUs, it is taken
//! from such a thread for milliseconds, while one that sleeps is woken in microseconds: so a thread that
//! notices that does not stay awake for a number of waits, a larger one each time. Measured beside ten busy
//! processes on two CPUs: a call of a warm worker takes 20 to 35 µs so, and 100 to 4000 µs without it.
//!
//! This is not [`spin`](crate::spin), though that waits awake, too. There, what is waited for is a
//! word in memory that changes within a microsecond or never soon; each thread counts its looks,
//! learns from whether one of them was in vain, and never gives up its CPU. Here it is a message of
//! a process, which takes as long as a task: the time counts, the length of the whole wait with the
//! sleep in it tells what to do the next time, each wait has a memory of its own, and the other process
//! may need the CPU.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::sys::scheduling;

/// How long to stay awake.
const AWAKE: Duration = Duration::from_micros(50);

/// How often to look before another thread may have the CPU, if one wants it: about as long as the
/// system takes to say that none does.
const LOOKS: u32 = 16;

/// A wait that was not longer than this was short: one of [`AWAKE`], plus some waking up.
const SHORT: Duration = Duration::from_micros(100);

/// If staying awake took longer than this, the CPU was another's meanwhile.
const TAKEN: Duration = Duration::from_micros(150);

/// In how many waits no thread stays awake after that, at first and at most.
const CROWDED: (u32, u32) = (64, 4096);

/// Waits of one kind.
#[derive(Debug)]
pub(crate) struct Pause {
    /// Whether the last one was short.
    short: AtomicBool,
    /// In how many waits no thread is to stay awake.
    crowded: AtomicU32,
    /// How many these will be the next time.
    next_crowded: AtomicU32,
    /// Whether there is a CPU for the others while this one stays awake.
    possible: bool,
}

impl Pause {
    pub(crate) fn new() -> Pause {
        Pause {
            short: AtomicBool::new(false),
            crowded: AtomicU32::new(0),
            next_crowded: AtomicU32::new(CROWDED.0),
            possible: scheduling::usable_cpus() > 1,
        }
    }

    /// Runs `sleep`, which waits for something; if that may be soon, it looks whether it
    /// `has_come` first.
    pub(crate) fn wait<R>(&self, has_come: impl Fn() -> bool, sleep: impl FnOnce() -> R) -> R {
        let begin = Instant::now();
        if self.possible && self.short.load(Relaxed) && !self.is_crowded() {
            let mut looks = 0_u32;
            while !has_come() && begin.elapsed() < AWAKE {
                std::hint::spin_loop();
                looks += 1;
                // What is waited for may need this CPU.
                if looks.is_multiple_of(LOOKS) {
                    std::thread::yield_now();
                }
            }
            self.note_awake(begin.elapsed());
        }
        let result = sleep();
        self.short.store(begin.elapsed() <= SHORT, Relaxed);
        result
    }

    /// Whether this wait is one in which no thread is to stay awake.
    fn is_crowded(&self) -> bool {
        let left = self.crowded.load(Relaxed);
        // Threads that do this at once count one wait for two, which is no matter.
        self.crowded.store(left.saturating_sub(1), Relaxed);
        left > 0
    }

    /// Learns from how long a thread was awake.
    fn note_awake(&self, time: Duration) {
        let waits = self.next_crowded.load(Relaxed);
        let next = if time > TAKEN {
            self.crowded.store(waits, Relaxed);
            (waits * 2).min(CROWDED.1)
        } else {
            // It may have been luck.
            (waits / 2).max(CROWDED.0)
        };
        self.next_crowded.store(next, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// How often it is looked in this many waits, each of which takes no time by itself.
    fn looks(pause: &Pause, waits: u32, look: impl Fn()) -> u32 {
        let looks = Cell::new(0);
        for _ in 0..waits {
            let has_come = || {
                looks.set(looks.get() + 1);
                look();
                true
            };
            pause.wait(has_come, || ());
            // However slow this thread was.
            pause.short.store(true, Relaxed);
        }
        looks.get()
    }

    fn pause() -> Pause {
        Pause {
            possible: true,
            short: AtomicBool::new(true),
            ..Pause::new()
        }
    }

    #[test]
    fn who_waited_long_does_not_stay_awake() {
        let pause = pause();
        pause.short.store(false, Relaxed);
        pause.wait(|| panic!("it is not looked"), || ());
    }

    #[test]
    fn a_thread_whose_cpu_is_taken_sleeps_at_once_more_and_more_often() {
        let pause = pause();
        let slow = || std::thread::sleep(2 * TAKEN);
        let mut crowded = CROWDED.0;
        for _ in 0..10 {
            assert_eq!(looks(&pause, 1 + crowded, slow), 1);
            crowded = (2 * crowded).min(CROWDED.1);
        }
        assert_eq!(crowded, CROWDED.1);
    }

    #[test]
    fn looks_that_take_no_time_make_it_begin_anew() {
        let pause = pause();
        (0..4).for_each(|_| pause.note_awake(2 * TAKEN));
        assert_eq!(pause.crowded.load(Relaxed), 8 * CROWDED.0);
        pause.note_awake(Duration::ZERO);
        pause.note_awake(2 * TAKEN);
        assert_eq!(pause.crowded.load(Relaxed), 8 * CROWDED.0);
        (0..9).for_each(|_| pause.note_awake(Duration::ZERO));
        pause.note_awake(2 * TAKEN);
        assert_eq!(pause.crowded.load(Relaxed), CROWDED.0);
    }
}
