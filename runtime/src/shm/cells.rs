//! Which cells are taken, and by whom.
//!
//! A cell's record has a bit for each [holder](super::holder). The cell lives while a living
//! holder's bit is set.
//!
//! | step | why it is safe to die right after it |
//! |---|---|
//! | a bit is set | a dead holder's bit counts for nothing |
//! | the record's change count is raised | likewise |
//! | a bit is cleared | the cell is free if it was the last: found by the next sweep |
//!
//! # Who frees
//!
//! Only the process that created a region allocates in it, so the list of free cells is that
//! process's own. It frees a cell when it finds no bit of a living holder: on dropping its own
//! handle, and on sweeping when it needs room. Bits are looked at one word after the other, while
//! a reference may move from a word not yet seen to one already seen. But a new bit is set, and
//! the change count raised, before the old one goes; so the cell is only freed if the record has
//! not changed since before the first look.
//!
//! When the creator dies the others go on; the region ends with its last mapping, descriptor
//! and message, as every file does.

#![expect(unsafe_code, reason = "the kind of a cell tells what lives there")]

use std::sync::atomic::Ordering;

use super::kind::CellKind;
use super::layout::{CellRecord, Layout, place};
use crate::raw::Holders;

/// The state of a record: generation, whether it is alive, number of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct CellState(u64);

impl CellState {
    const ALIVE: u64 = 1 << 31;
    const CHANGES: u64 = Self::ALIVE - 1;

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn is_alive(self) -> bool {
        self.0 & Self::ALIVE != 0
    }

    fn changed(self) -> CellState {
        CellState(self.0 & !Self::CHANGES | self.0.wrapping_add(1) & Self::CHANGES)
    }

    fn born(self) -> CellState {
        CellState(self.0 | Self::ALIVE)
    }

    /// Not alive, of the next generation.
    fn freed(self) -> CellState {
        CellState(u64::from(self.generation().wrapping_add(1)) << 32)
    }
}

/// The cells of a region, as one of its [holders](super::holder) sees them.
pub(super) struct Cells<'a> {
    layout: &'a Layout,
    holders: &'a dyn Holders,
}

impl<'a> Cells<'a> {
    pub(super) fn new(layout: &'a Layout, holders: &'a dyn Holders) -> Cells<'a> {
        Cells { layout, holders }
    }

    /// Takes a cell that is free, and says which generation it is of. Only the creator does.
    pub(super) fn take(&self, cell: u32) -> u32 {
        let record = self.layout.record(cell);
        let (word, bit) = place(self.holders.me());
        record.holders[word].fetch_or(bit, Ordering::SeqCst);
        let state = CellState(record.state.load(Ordering::SeqCst)).born();
        record.state.store(state.0, Ordering::SeqCst);
        state.generation()
    }

    /// Sets a holder's bit on a cell; false if the cell is not alive in that generation.
    ///
    /// The number is this process's, or that of a message it sends.
    pub(super) fn acquire(&self, cell: u32, generation: u32, number: u32) -> bool {
        let (word, bit) = place(number);
        let holders = &self.layout.record(cell).holders[word];
        let before = holders.fetch_or(bit, Ordering::SeqCst);
        let acquired = self.change(cell, |living| living == generation);
        if !acquired && before & bit == 0 {
            holders.fetch_and(!bit, Ordering::SeqCst);
        }
        acquired
    }

    /// Clears our bit on a cell.
    pub(super) fn release(&self, cell: u32) {
        let me = self.holders.me();
        self.wipe(cell, me);
        let (word, bit) = place(me);
        self.layout.record(cell).holders[word].fetch_and(!bit, Ordering::SeqCst);
    }

    /// Clears a bit that a dead holder may have left.
    pub(super) fn clear_after(&self, cell: u32, number: u32) {
        let (word, bit) = place(number);
        let holders = &self.layout.record(cell).holders[word];
        // The creator may be freeing the cell, having found the number's holder dead. Once
        // the change count is raised, it can not any more; if it has, the bit is gone.
        if holders.load(Ordering::SeqCst) & bit != 0
            && self.change(cell, |_| true)
            && holders.load(Ordering::SeqCst) & bit != 0
        {
            self.wipe(cell, number);
            holders.fetch_and(!bit, Ordering::SeqCst);
        }
    }

    /// Frees a cell that no living holder has. Only the creator asks.
    pub(super) fn try_free(&self, cell: u32) -> bool {
        let record = self.layout.record(cell);
        let state = CellState(record.state.load(Ordering::SeqCst));
        if !state.is_alive() || any_holder(record, |holder| self.holders.is_alive(holder)) {
            return false;
        }
        let freed = record.state.compare_exchange(
            state.0,
            state.freed().0,
            Ordering::SeqCst,
            Ordering::SeqCst,
        );
        if freed.is_ok() {
            for holders in &record.holders {
                holders.store(0, Ordering::SeqCst);
            }
            record.kind.store(0, Ordering::SeqCst);
        }
        freed.is_ok()
    }

    /// Whether no living holder but this process has the cell.
    pub(super) fn is_alone(&self, cell: u32) -> bool {
        let record = self.layout.record(cell);
        let state = record.state.load(Ordering::SeqCst);
        let others = |holder| holder != self.holders.me() && self.holders.is_alive(holder);
        !any_holder(record, others) && record.state.load(Ordering::SeqCst) == state
    }

    /// Raises the change count of a cell that is alive, if its generation is right.
    fn change(&self, cell: u32, is_right: impl Fn(u32) -> bool) -> bool {
        let state = &self.layout.record(cell).state;
        let mut known = CellState(state.load(Ordering::SeqCst));
        while known.is_alive() && is_right(known.generation()) {
            let changed = known.changed();
            match state.compare_exchange(known.0, changed.0, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return true,
                Err(other) => known = CellState(other),
            }
        }
        false
    }

    /// Takes back what a dead holder, or ourselves through handles that are gone, had taken in
    /// the cell: permits, read locks.
    fn wipe(&self, cell: u32, number: u32) {
        let recorded = self.layout.record(cell).kind.load(Ordering::Acquire);
        // Otherwise nothing lives there yet, or something wrote over the record.
        let fits = |kind: &CellKind| kind.size() <= self.layout.cell_size();
        let Some(kind) = CellKind::from_number(recorded).filter(fits) else {
            return;
        };
        // SAFETY: cells are aligned to cache lines, this one is large enough, and it is mapped as
        // long as the layout. A kind is only recorded when the cell's state machine has been made, and
        // the caller knows that the number's bit is set, so the cell has not been freed since: what
        // is there is shared.
        unsafe { kind.wipe(self.layout.payload(cell), self.holders, number) };
    }
}

/// Whether one of a cell's holders, dead or alive, is such.
fn any_holder(record: &CellRecord, mut is_such: impl FnMut(u32) -> bool) -> bool {
    (0..).zip(&record.holders).any(|(word, holders)| {
        let mut bits = holders.load(Ordering::SeqCst);
        while bits != 0 {
            if is_such(word * 64 + bits.trailing_zeros()) {
                return true;
            }
            bits &= bits - 1;
        }
        false
    })
}
