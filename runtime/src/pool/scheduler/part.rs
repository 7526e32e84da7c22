//! Tasks that stay together on their way to a worker.

/// A worker, for the life of its pool. One that was started later has a larger number.
pub(in crate::pool) type WorkerId = u64;

/// A job, likewise: one that was submitted later has a larger number.
pub(in crate::pool) type JobId = u64;

/// Tasks that take about as long as each other, and of which so many are sent together as that allows.
pub(in crate::pool) type Kind = u32;

/// Some tasks of a job, one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::pool) struct Part {
    pub(in crate::pool) job: JobId,
    pub(in crate::pool) first: u32,
    pub(in crate::pool) count: u32,
    /// How often the first was lost.
    pub(super) attempts: u32,
    /// How often each may be tried again.
    pub(super) retries: u32,
    pub(super) priority: i32,
    /// The index of the worker that alone may run it.
    pub(super) only: Option<u32>,
    /// What says how many of a series are sent together. Of another job, all are.
    pub(in crate::pool) kind: Option<Kind>,
    /// How often workers died that had been sent it, before they began the first.
    pub(super) spoiled: Spoiled,
}

/// Deaths one after another: those of workers that were there at the last one are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Spoiled {
    pub(super) times: u32,
    /// The workers from this one on were started since.
    pub(super) since: WorkerId,
}

/// What is said of all tasks of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::pool) struct Terms {
    /// Those with a higher one are first.
    pub(in crate::pool) priority: i32,
    /// How often a lost task is tried again, if not as often as those of other jobs.
    pub(in crate::pool) retries: Option<u32>,
    /// The index of the worker that alone may run them.
    pub(in crate::pool) only: Option<u32>,
    /// What says how many are sent together, if not all.
    pub(in crate::pool) kind: Option<Kind>,
}

impl Part {
    /// Whether a task of this job is in it.
    pub(super) fn has(&self, job: JobId, task: u32) -> bool {
        self.job == job && (self.first..self.first + self.count).contains(&task)
    }

    /// Adds the tasks of another part, if these stand behind its own and nothing tells the two apart.
    pub(super) fn join(&mut self, next: &Part) -> bool {
        let both = Part {
            count: self.count + next.count,
            ..*self
        };
        let is_next = *next
            == Part {
                first: self.first + self.count,
                count: next.count,
                ..*self
            };
        let is_new = next.attempts == 0 && next.spoiled == Spoiled::default();
        if is_next && is_new {
            *self = both;
        }
        is_next && is_new
    }

    /// What is before a task of it, and what is behind that.
    pub(super) fn without(mut self, task: u32) -> impl Iterator<Item = Part> {
        let mut rest = self.cut(task - self.first);
        let behind = rest.as_mut().and_then(|rest| rest.cut(1));
        let before = (self.count > 0).then_some(self);
        before.into_iter().chain(behind)
    }

    /// Shortens it to its first `count` tasks and returns the others.
    pub(super) fn cut(&mut self, count: u32) -> Option<Part> {
        if count >= self.count {
            return None;
        }
        let rest = Part {
            first: self.first + count,
            count: self.count - count,
            attempts: if count == 0 { self.attempts } else { 0 },
            spoiled: if count == 0 {
                self.spoiled
            } else {
                Spoiled::default()
            },
            ..*self
        };
        self.count = count;
        Some(rest)
    }

    /// The tasks from the `answered`th on, which were begun and lost. Only the first of them can have
    /// been tried before: others that were lost are parts of their own.
    pub(super) fn lost_after(&self, answered: u32) -> Part {
        Part {
            first: self.first + answered,
            count: self.count - answered,
            attempts: if answered == 0 { self.attempts } else { 0 },
            spoiled: Spoiled::default(),
            ..*self
        }
    }

    /// Each task by itself, as one that is tried once more: if it is the death of one of them, the
    /// others are not to be lost with it again.
    pub(super) fn each_again(self) -> impl Iterator<Item = Part> {
        (0..self.count).map(move |task| Part {
            first: self.first + task,
            count: 1,
            attempts: if task == 0 { self.attempts + 1 } else { 1 },
            spoiled: Spoiled::default(),
            ..self
        })
    }
}
