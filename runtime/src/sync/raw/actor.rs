//! Actors of the tests, as the machines see them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::Holders;

/// Holders that are alive until a test says otherwise.
#[derive(Debug)]
pub(crate) struct Actor<'a> {
    pub(crate) me: u32,
    pub(crate) dead: &'a AtomicU64,
}

impl Actor<'_> {
    pub(crate) fn dies(&self) {
        self.dead.fetch_or(1 << self.me, Ordering::SeqCst);
    }
}

impl Holders for Actor<'_> {
    fn me(&self) -> u32 {
        self.me
    }

    fn is_alive(&self, holder: u32) -> bool {
        crate::probe::ask(holder);
        self.dead.load(Ordering::SeqCst) & 1 << holder == 0
    }

    fn mark(&self) -> u32 {
        self.me + 1
    }

    fn is_mark_alive(&self, mark: u32) -> bool {
        self.is_alive(self.number(mark))
    }

    fn number(&self, mark: u32) -> u32 {
        mark - 1
    }
}
