//! A short critical section that repairs what a dead predecessor left half done.
//!
//! It is given back when its *process* is dead, not when a thread ends; and no thread ends inside:
//! what runs there is the machine's own code, which calls no user code: no destructor, no
//! waker, no closure, no encoder. It does not panic either, whatever stands in the words, so no
//! panic hook runs. (If it did, the section would be left while the stack unwinds.)

use std::time::Instant;

use super::holders::Holders;
use super::lock::Lock;
use super::machine::Machine;

/// The lock around a machine's words.
///
/// A process that dies inside leaves the words between two steps. Each machine says which of its words
/// are the truth; the next to enter computes the others from them.
///
/// | step | what if the actor dies right after it |
/// |---|---|
/// | the lock is taken over from the dead: it is poisoned | the next takes it over, and finds it so |
/// | the words are repaired | the next repairs them once more |
/// | the lock is clean again | the words were as they should, and are by the machine's own steps |
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Monitor(Lock);

/// The right to change the words, until it is dropped.
pub(crate) struct Inside<'a>(&'a Lock);

impl Monitor {
    /// Makes a monitor of zeros, before any other process has it.
    pub(crate) fn init(&self) {
        self.0.init();
    }

    /// Enters, however long the others take.
    #[inline]
    pub(crate) fn enter(&self, holders: &dyn Holders, repair: impl FnOnce()) -> Inside<'_> {
        self.0.lock_until(holders, None);
        self.inside(repair)
    }

    /// Enters by `deadline`; `None` when time is up.
    #[inline]
    pub(crate) fn enter_until(
        &self,
        holders: &dyn Holders,
        deadline: Option<Instant>,
        repair: impl FnOnce(),
    ) -> Option<Inside<'_>> {
        let is_inside = self.0.lock_until(holders, deadline);
        is_inside.then(|| self.inside(repair))
    }

    #[inline]
    fn inside(&self, repair: impl FnOnce()) -> Inside<'_> {
        #[cfg(test)]
        crate::probe::entered(place(&self.0));
        let inside = Inside(&self.0);
        if self.0.poison().is_set() {
            repair();
            self.0.poison().init();
        }
        inside
    }
}

impl Drop for Inside<'_> {
    #[inline]
    fn drop(&mut self) {
        // An actor of the tests that is dead gives nothing back.
        #[cfg(test)]
        if !crate::probe::leaves(place(self.0)) {
            return;
        }
        self.0.unlock();
    }
}

#[cfg(test)]
fn place(lock: &Lock) -> usize {
    std::ptr::from_ref(lock).addr()
}
