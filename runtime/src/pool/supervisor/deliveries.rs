//! The threads that give results out, or do what else has to be done, just now.
//!
//! A pool is over only when all of that is done. But what is done there is user code, too, which may
//! wait for that: a waker may drop the pool. So a thread that waits for the end of a pool does not
//! count meanwhile.

use std::cell::RefCell;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

/// How many deliveries are under way, one within another counted by itself.
#[derive(Debug, Default)]
pub(super) struct Deliveries(AtomicUsize);

thread_local! {
    /// The deliveries that this thread is in, from the outermost on, by the address of what counts
    /// them.
    static HERE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

impl Deliveries {
    /// A delivery is to be made. Said under the lock of the pool, so that it is not taken for done
    /// before it has begun.
    pub(super) fn announce(&self) {
        self.0.fetch_add(1, SeqCst);
    }

    /// Makes a delivery that was announced; true if there is no other now. It does not panic.
    pub(super) fn make(&self, deliver: impl FnOnce()) -> bool {
        // It fails in the destructors of a thread that ends, where nothing is waited for.
        let is_noted = HERE.try_with(|here| here.borrow_mut().push(self.address()));
        deliver();
        if is_noted.is_ok() {
            let _ = HERE.try_with(|here| here.borrow_mut().pop());
        }
        self.0.fetch_sub(1, SeqCst) == 1
    }

    pub(super) fn is_none(&self) -> bool {
        self.0.load(SeqCst) == 0
    }

    /// Does not count this thread while `wait` runs, which is told whether it counted before.
    pub(super) fn step_aside<T>(&self, wait: impl FnOnce(bool) -> T) -> T {
        let address = self.address();
        let count = HERE.try_with(|here| here.borrow().iter().filter(|it| **it == address).count());
        let count = count.unwrap_or(0);
        self.0.fetch_sub(count, SeqCst);
        let result = wait(count > 0);
        self.0.fetch_add(count, SeqCst);
        result
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_waits_within_its_deliveries_does_not_count() {
        let (deliveries, other) = (Deliveries::default(), Deliveries::default());
        assert!(deliveries.is_none());
        deliveries.announce();
        other.announce();
        assert!(!deliveries.is_none());
        let was_last = deliveries.make(|| {
            deliveries.announce();
            let was_last = deliveries.make(|| {
                deliveries.step_aside(|counted| assert!(counted && deliveries.is_none()));
                other.step_aside(|counted| assert!(!counted && !other.is_none()));
            });
            assert!(!was_last);
            assert!(!deliveries.is_none());
        });
        assert!(was_last);
        assert!(deliveries.is_none());
        deliveries.step_aside(|counted| assert!(!counted));
    }

    #[test]
    fn another_thread_counts_while_one_waits() {
        let deliveries = Deliveries::default();
        deliveries.announce();
        deliveries.announce();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                deliveries.make(|| deliveries.step_aside(|_| assert!(!deliveries.is_none())))
            });
            assert!(!waiting.join().unwrap());
        });
        assert!(deliveries.make(|| ()));
    }
}
