//! Waiting awake.
//!
//! Whoever sleeps is woken late: a core that idles takes several microseconds to get up, a hundred
//! times as long as a change takes to be seen by another core. If two wait for each other in turn
//! and one of them sleeps, the other waits for it to wake up; if that one sleeps meanwhile, they go
//! on like this for ever. So it pays to wait awake for as long as it takes to be woken, also for
//! those who have just been.

use std::hint::spin_loop;

/// How long, in pauses of the processor: about ten microseconds. Tests that try all ways in which
/// actors can meet cannot wait that long.
const PAUSES: u32 = if cfg!(test) { 4 } else { 400 };

/// So long looks follow each other at once: who is handed a lock gets it within that time. From
/// then on they soon become rare, because each takes the cache line from whoever has the lock, and
/// that one takes it several times in a row as fast as if it were alone.
const OFTEN: u32 = 4;

/// The longest time between two looks, in pauses: a little less than a microsecond.
const RAREST: u32 = 32;

/// Looks for a while whether something is so.
pub(super) fn spin_until(mut is_so: impl FnMut() -> bool) -> bool {
    let mut pauses = 0;
    let mut pause = 1;
    loop {
        if is_so() {
            return true;
        }
        if pauses >= PAUSES {
            return false;
        }
        (0..pause).for_each(|_| spin_loop());
        pauses += pause;
        if pauses > OFTEN {
            pause = (pause * 2).min(RAREST);
        }
    }
}
