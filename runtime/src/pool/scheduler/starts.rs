//! Which starts of workers were futile, and what follows.

/// How many starts in a row may be futile.
pub(super) const FUTILE: u32 = 5;

/// A number that counts starts: how many were futile before it, ever.
pub(super) type Era = u64;

/// The futile starts of a pool.
#[derive(Debug, Default)]
pub(super) struct Starts {
    /// How many were futile, ever; those of workers started meanwhile are one.
    futile: Era,
    /// How many of them count no more.
    forgiven: Era,
    /// Whether none is made but for a task.
    is_stalled: bool,
}

impl Starts {
    /// When a start is made now.
    pub(super) fn now(&self) -> Era {
        self.futile
    }

    /// How many in a row were futile.
    pub(super) fn counted(&self) -> u32 {
        u32::try_from(self.futile - self.forgiven).unwrap_or(u32::MAX)
    }

    /// Whether so many in a row were futile that there may be no use in more.
    pub(super) fn are_too_many(&self) -> bool {
        self.counted() >= FUTILE
    }

    /// A start made then was futile. Says whether it is counted: those made before the last one that
    /// was are the same failure.
    pub(super) fn was_futile(&mut self, then: Era) -> bool {
        let is_new = then == self.futile;
        self.futile += u64::from(is_new);
        is_new
    }

    /// A worker started then was of use.
    pub(super) fn was_of_use(&mut self, then: Era) {
        if then == self.futile {
            self.forgiven = self.futile;
        }
    }

    /// A worker has got ready: processes can be started.
    pub(super) fn was_made(&mut self) {
        self.is_stalled = false;
    }

    /// No process can be started, and no more are to be tried but for a task.
    pub(super) fn stall(&mut self) {
        self.is_stalled = true;
    }

    pub(super) fn are_stalled(&self) -> bool {
        self.is_stalled
    }
}
