//! Actors of the tests, as the machines see them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::holders::Holders;

/// Holders that are alive until a test says otherwise.
#[derive(Debug)]
pub(crate) struct Actor<'a> {
    pub(crate) me: u32,
    pub(crate) dead: &'a AtomicU64,
}

/// Marks are no small numbers, such as memory is full of.
const FIRST: u32 = 0x5000;

/// Who makes a machine, before there are others.
pub(crate) fn maker() -> Actor<'static> {
    static DEAD: AtomicU64 = AtomicU64::new(0);
    Actor {
        me: 21,
        dead: &DEAD,
    }
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
        holder < 64 && self.dead.load(Ordering::SeqCst) & 1 << holder == 0
    }

    fn mark(&self) -> u32 {
        FIRST + self.me
    }

    fn is_mark_alive(&self, mark: u32) -> bool {
        self.is_alive(self.number(mark))
    }

    fn number(&self, mark: u32) -> u32 {
        mark.wrapping_sub(FIRST)
    }
}
