//! How many tasks an agent may have.

use tokio::sync::mpsc;

/// As many permits as there are workers: each task has one until its calls have run.
pub(super) struct Permits {
    workers: usize,
    taken: usize,
    /// Those for which the engine was asked for a task. A task that is handed over takes one all the same: if the
    /// engine then sends another, that goes back.
    due: usize,
    /// Whether a task of the engine went back: the next permit is for the engine.
    is_owed: bool,
    free: mpsc::UnboundedSender<()>,
    freed: mpsc::UnboundedReceiver<()>,
}

/// What a task takes of its agent. When it is dropped, there is room for another.
pub(super) struct Permit(mpsc::UnboundedSender<()>);

impl Permits {
    pub(super) fn new(workers: usize) -> Permits {
        let (free, freed) = mpsc::unbounded_channel();
        Permits {
            workers,
            taken: 0,
            due: 0,
            is_owed: false,
            free,
            freed,
        }
    }

    /// Waits until a permit is free again.
    pub(super) async fn freed(&mut self) {
        // There is a sender here: it does not end.
        if self.freed.recv().await.is_some() {
            self.taken -= 1;
        }
    }

    /// For how many tasks the engine is to be asked.
    pub(super) fn wanted(&self) -> usize {
        self.workers.saturating_sub(self.taken + self.due)
    }

    /// The engine was asked for so many tasks.
    pub(super) fn ask(&mut self, count: usize) {
        self.due += count;
    }

    /// So many of those that were asked for have come, or do not come.
    pub(super) fn hear(&mut self, count: usize) {
        self.due = self.due.saturating_sub(count);
        self.is_owed = false;
    }

    /// Whether a task of the engine may run.
    pub(super) fn has_room(&self) -> bool {
        self.taken < self.workers
    }

    /// Whether a task may run that does not come from the engine.
    pub(super) fn has_room_for_handed(&self) -> bool {
        self.has_room() && !self.is_owed
    }

    /// A task of the engine goes back.
    pub(super) fn owe(&mut self) {
        self.is_owed = true;
    }

    pub(super) fn take(&mut self) -> Permit {
        self.taken += 1;
        Permit(self.free.clone())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // The agent may have ended.
        let _ = self.0.send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_over_takes_what_the_engine_was_asked_for() {
        let mut permits = Permits::new(2);
        assert_eq!(permits.wanted(), 2);
        permits.ask(2);
        assert_eq!(permits.wanted(), 0);
        let handed = [permits.take(), permits.take()];
        assert!(!permits.has_room());
        // Nothing more is asked for, before or after one that was asked for goes back.
        assert_eq!(permits.wanted(), 0);
        permits.hear(1);
        permits.owe();
        assert_eq!(permits.wanted(), 0);
        drop(handed);
        let both = async {
            permits.freed().await;
            permits.freed().await;
        };
        assert!(futures_util::FutureExt::now_or_never(both).is_some());
        // The one that went back has its turn.
        assert_eq!(permits.wanted(), 1);
        assert!(permits.has_room() && !permits.has_room_for_handed());
        permits.ask(1);
        permits.hear(1);
        assert!(permits.has_room_for_handed());
    }
}
