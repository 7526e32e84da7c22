//! A long buffer that was read out, kept for the message that comes next.
//!
//! What is decoded into memory of its own leaves a buffer behind in which the message was. To give it back
//! and take another costs more than decoding: an allocator that sees so much free memory returns it to the
//! system, together with what the decoded value was in, and each page of the next ones is then entered
//! anew. Measured in a warm worker with a million structs of three `f32`: 6,000 page faults and 13 ms of the
//! kernel's time for each message without, none with it.
//!
//! A buffer is kept only by threads that receive messages all their life and then look whether it
//! [is in use](is_kept): those of a pool's workers. So a task that runs long has one beside it, of 32 MiB at
//! most. A process whose memory is limited keeps none.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::memory::HUGE;
use crate::sys::memory_limit;

/// Longer ones are not kept. An allocator keeps none of them either.
const MOST: usize = 32 << 20;

#[derive(Debug)]
struct Spare {
    buffer: Vec<u8>,
    /// When it was read out.
    used: Instant,
}

/// What there is to keep.
#[derive(Debug, Default)]
enum Place {
    /// This thread keeps none.
    #[default]
    Closed,
    Empty,
    Full(Spare),
}

thread_local! {
    static PLACE: Cell<Place> = const { Cell::new(Place::Closed) };
}

/// This thread keeps one from now on.
pub(crate) fn keep_here() {
    PLACE.set(Place::Empty);
}

/// Takes an empty buffer with room for so many bytes, if there is one.
pub(crate) fn take(length: usize) -> Option<Vec<u8>> {
    if length < HUGE {
        return None;
    }
    match PLACE.try_with(Cell::take).ok()? {
        Place::Full(spare) if spare.buffer.capacity() >= length => {
            PLACE.set(Place::Empty);
            Some(spare.buffer)
        }
        place => {
            PLACE.set(place);
            None
        }
    }
}

/// Keeps a buffer that has been read out, if that is done here and worth it.
pub(super) fn offer(mut buffer: Vec<u8>) {
    if !(HUGE..=MOST).contains(&buffer.capacity()) {
        return;
    }
    let Ok(place) = PLACE.try_with(Cell::take) else {
        return;
    };
    buffer.clear();
    PLACE.set(match place {
        Place::Closed => Place::Closed,
        _ if memory_limit::is_set() => Place::Empty,
        Place::Full(kept) if kept.buffer.capacity() > buffer.capacity() => Place::Full(kept),
        Place::Empty | Place::Full(_) => Place::Full(Spare {
            buffer,
            used: Instant::now(),
        }),
    });
}

/// Whether one is kept that was in use lately; any other is given back.
pub(crate) fn is_kept(lately: Duration) -> bool {
    match PLACE.try_with(Cell::take) {
        Ok(Place::Full(spare)) if spare.used.elapsed() < lately => {
            PLACE.set(Place::Full(spare));
            true
        }
        Ok(Place::Empty | Place::Full(_)) => {
            PLACE.set(Place::Empty);
            false
        }
        Ok(Place::Closed) | Err(_) => false,
    }
}

/// Gives back what is kept.
pub(crate) fn give_back() {
    is_kept(Duration::ZERO);
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    fn buffer(length: usize) -> Vec<u8> {
        Vec::with_capacity(length)
    }

    #[test]
    fn a_thread_keeps_a_buffer_if_it_says_so() {
        offer(buffer(HUGE));
        assert!(!is_kept(LONG) && take(HUGE).is_none());
        keep_here();
        assert!(!is_kept(LONG) && take(HUGE).is_none());
        let long = buffer(2 * HUGE);
        let address = long.as_ptr();
        offer(long);
        // The longer one stays.
        offer(buffer(HUGE));
        assert!(is_kept(LONG));
        assert!(take(2 * HUGE + 1).is_none() && take(HUGE - 1).is_none());
        assert_eq!(take(HUGE + 1).map(|it| it.as_ptr()), Some(address));
        assert!(!is_kept(LONG) && take(HUGE).is_none());
    }

    #[test]
    fn what_is_kept_is_bounded_and_given_back() {
        keep_here();
        offer(buffer(HUGE - 1));
        offer(buffer(MOST + 1));
        assert!(!is_kept(LONG));
        offer(buffer(MOST));
        assert!(is_kept(LONG) && !is_kept(Duration::ZERO) && !is_kept(LONG));
        offer(buffer(MOST));
        give_back();
        assert!(take(HUGE).is_none());
    }
}
