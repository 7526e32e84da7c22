//! Waiting awake.
//!
//! A sleeper is woken late: a core that idles takes several microseconds to get up, a hundred
//! times as long as a change takes to be seen by another core. If two wait for each other in turn
//! and one of them sleeps, the other waits for it to wake up; if that one sleeps meanwhile, they go
//! on like this for ever. So it pays to wait awake for as long as it takes to be woken, also for
//! those who have just been.
//!
//! But it is of no use where the other needs this core to get on, or takes longer anyway. So each
//! thread does what has been of use to it lately, and tries the other way now and then.

use std::cell::Cell;
use std::hint::spin_loop;
use std::sync::OnceLock;
use std::thread;

/// How long at most, in pauses of the processor: about ten microseconds. Tests that try all ways
/// in which actors can meet cannot wait that long.
const PAUSES: u32 = if cfg!(test) { 4 } else { 400 };

/// So long looks follow each other at once: who is handed a lock gets it within that time. From
/// then on they soon become rare, because each takes the cache line from the holder of the lock, and
/// that one takes it several times in a row as fast as if it were alone.
const OFTEN: u32 = 4;

/// The longest time between two looks, in pauses: a little less than a microsecond.
const RAREST: u32 = 32;

/// What a thread waits for: what comes soon of one kind, as locks do as a rule, says nothing of
/// another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Awaited {
    Lock,
    Event,
}

impl Awaited {
    const KINDS: usize = Awaited::Event as usize + 1;
}

/// Looks for a while whether something is so.
pub(crate) fn spin_until(awaited: Awaited, mut is_so: impl FnMut() -> bool) -> bool {
    if is_so() {
        return true;
    }
    let spin = SPINS.with(|spins| spins[awaited as usize].get());
    let pauses = spin.pauses();
    let came = pauses > 0 && wait_awake(pauses, is_so);
    SPINS.with(|spins| spins[awaited as usize].set(spin.after(pauses, came)));
    came
}

/// Looks for some microseconds whether something is so, whatever came of that lately. Queues do so
/// before each sleep.
pub(crate) fn spin_a_little(mut is_so: impl FnMut() -> bool) -> bool {
    const LOOKS: u32 = 300;
    several_cpus()
        && (0..LOOKS).any(|_| {
            spin_loop();
            is_so()
        })
}

/// Whether another thread can do something while this one spins.
fn several_cpus() -> bool {
    static SEVERAL: OnceLock<bool> = OnceLock::new();
    *SEVERAL.get_or_init(|| thread::available_parallelism().is_ok_and(|cpus| cpus.get() > 1))
}

fn wait_awake(pauses: u32, mut is_so: impl FnMut() -> bool) -> bool {
    let mut waited = 0;
    let mut pause = 1;
    while waited < pauses {
        (0..pause).for_each(|_| spin_loop());
        if is_so() {
            return true;
        }
        waited += pause;
        if waited > OFTEN {
            pause = (pause * 2).min(RAREST);
        }
    }
    false
}

thread_local! {
    static SPINS: [Cell<AdaptiveSpin>; Awaited::KINDS] = const { [const { Cell::new(AdaptiveSpin::AWAKE) }; Awaited::KINDS] };
}

/// What a thread does when it has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AdaptiveSpin {
    /// It waits awake, for so many pauses.
    Awake(u32),
    /// It sleeps at once, and has done so this often.
    Asleep(u32),
}

impl AdaptiveSpin {
    const AWAKE: Self = Self::Awake(PAUSES);

    /// Shorter is not worth the trouble.
    const FEWEST: u32 = PAUSES / 64;

    /// How often a thread sleeps at once before it tries again what waiting awake is good for.
    const TIMES: u32 = 32;

    fn pauses(self) -> u32 {
        match self {
            Self::Awake(pauses) => pauses,
            Self::Asleep(Self::TIMES) => PAUSES,
            Self::Asleep(_) => 0,
        }
    }

    /// The spin after a wait: whether what was waited for came while the thread was awake.
    fn after(self, pauses: u32, came: bool) -> Self {
        match self {
            _ if came => Self::AWAKE,
            Self::Awake(_) if pauses / 2 > Self::FEWEST => Self::Awake(pauses / 2),
            Self::Awake(_) | Self::Asleep(Self::TIMES) => Self::Asleep(0),
            Self::Asleep(times) => Self::Asleep(times + 1),
        }
    }
}

/// Forgets what has been of use to the calling thread.
#[cfg(test)]
pub(crate) fn forget() {
    SPINS.with(|spins| spins.iter().for_each(|spin| spin.set(AdaptiveSpin::AWAKE)));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a thread waits for never comes in time.
    fn in_vain(spin: &mut AdaptiveSpin) -> u32 {
        let pauses = spin.pauses();
        *spin = spin.after(pauses, false);
        pauses
    }

    #[test]
    fn who_waits_in_vain_soon_sleeps_at_once_and_tries_again() {
        let mut spin = AdaptiveSpin::AWAKE;
        let total: u32 = (0..10).map(|_| in_vain(&mut spin)).sum();
        assert!(total < 2 * PAUSES);
        for _ in 0..3 {
            while in_vain(&mut spin) == 0 {}
            let idle = (0..AdaptiveSpin::TIMES).filter(|_| in_vain(&mut spin) == 0);
            assert_eq!(idle.count(), AdaptiveSpin::TIMES as usize);
        }
    }

    #[test]
    fn who_was_right_to_wait_does_so_again() {
        let mut spin = AdaptiveSpin::AWAKE;
        for _ in 0..100 {
            in_vain(&mut spin);
        }
        while spin.pauses() == 0 {
            in_vain(&mut spin);
        }
        spin = spin.after(PAUSES, true);
        assert_eq!(spin, AdaptiveSpin::AWAKE);
    }
}
