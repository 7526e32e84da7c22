//! A worker, as the scheduler knows it.

use super::part::Part;
use super::starts::Era;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activity {
    Launching,
    Idle,
    /// A part, and how many of its tasks are answered.
    Busy(Part, u32),
    Leaving,
}

#[derive(Debug)]
pub(super) struct WorkerRecord {
    pub(super) activity: Activity,
    /// Tasks that it answered.
    pub(super) tasks: u64,
    /// To leave when it is done.
    pub(super) to_retire: bool,
    /// When it was started.
    pub(super) era: Era,
    /// Whether it is in the place of one that has gone.
    pub(super) replaces: bool,
    /// Its number among those that do not leave: that of the one in whose place it is.
    pub(super) index: u32,
}

impl WorkerRecord {
    pub(super) fn is_leaving(&self) -> bool {
        self.activity == Activity::Leaving
    }

    pub(super) fn is_launching(&self) -> bool {
        self.activity == Activity::Launching
    }

    pub(super) fn is_busy(&self) -> bool {
        matches!(self.activity, Activity::Busy(..))
    }

    /// Whether it can work, and will go on to.
    pub(super) fn can_work(&self) -> bool {
        matches!(self.activity, Activity::Idle | Activity::Busy(..)) && !self.to_retire
    }
}
