//! How much waits in a pool, and how much may.

use std::ops::{Add, AddAssign, Sub, SubAssign};

/// Tasks, and the bytes of their encoded arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Load {
    pub(super) tasks: usize,
    pub(super) bytes: u64,
}

impl Add for Load {
    type Output = Load;

    fn add(self, other: Load) -> Load {
        Load {
            tasks: self.tasks.saturating_add(other.tasks),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

impl Sub for Load {
    type Output = Load;

    fn sub(self, other: Load) -> Load {
        Load {
            tasks: self.tasks.saturating_sub(other.tasks),
            bytes: self.bytes.saturating_sub(other.bytes),
        }
    }
}

impl AddAssign for Load {
    fn add_assign(&mut self, other: Load) {
        *self = *self + other;
    }
}

impl SubAssign for Load {
    fn sub_assign(&mut self, other: Load) {
        *self = *self - other;
    }
}

/// The most that may wait.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct QueueLimits {
    pub(super) tasks: Option<usize>,
    pub(super) bytes: Option<u64>,
}

impl QueueLimits {
    /// Whether any number of tasks may wait.
    pub(super) fn are_none(self) -> bool {
        self.tasks.is_none() && self.bytes.is_none()
    }

    /// Whether so much more may wait. What is longer than all that may wait has to get in, too: when
    /// nothing else waits.
    pub(super) fn allow(self, waiting: Load, more: Load) -> bool {
        let left = self.left(waiting);
        waiting.tasks == 0 || (more.tasks <= left.tasks && more.bytes <= left.bytes)
    }

    /// How much more may wait.
    pub(super) fn left(self, waiting: Load) -> Load {
        let most = Load {
            tasks: self.tasks.unwrap_or(usize::MAX),
            bytes: self.bytes.unwrap_or(u64::MAX),
        };
        most - waiting
    }
}
