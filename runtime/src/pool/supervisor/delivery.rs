//! Results on their way to who wants them, and what else is done when the lock is free.

use std::sync::Arc;
use std::time::Duration;

use super::Shared;
use super::core::Core;
use crate::error::Error;
use crate::foreign;
use crate::pool::builder::Judge;
use crate::pool::job::{Job, Recipient};
use crate::pool::mailbox::{Mail, Mailbox, Many};
use crate::pool::scheduler::{JobId, MemberId};
use crate::pool::slot::Slot;
use crate::pool::task::Outcome;
use crate::pool::trace::Span;

/// What is to be done when the pool's lock is free: it takes a while, or user code runs.
pub(super) enum Effect {
    /// Give out the result of a task.
    Slot(Arc<Slot>, Outcome),
    /// Give out results of a map.
    Mail(Arc<Mailbox>, Mail),
    /// Start a member.
    Launch(MemberId),
    /// Look at what the initializer returned in a member, which ran from when to when.
    Judge(MemberId, Judge, Outcome, Span),
}

impl Shared {
    /// Does what is to be done. Whatever becomes of user code, this goes on.
    pub(super) fn perform(self: &Arc<Self>, effects: Vec<Effect>) {
        for effect in effects {
            foreign::call(|| match effect {
                Effect::Slot(slot, outcome) => slot.finish(outcome, &self.callbacks),
                Effect::Mail(mailbox, mail) => mailbox.put(mail),
                Effect::Launch(id) => self.launch_aside(id),
                Effect::Judge(id, judge, outcome, span) => {
                    self.judge_aside(id, judge, outcome, span);
                }
            });
        }
    }
}

impl Core {
    /// Gives out the outcome of a task.
    pub(super) fn deliver(
        &mut self,
        job: JobId,
        task: u32,
        outcome: Outcome,
        time: Option<Duration>,
    ) {
        let Some(known) = self.jobs.get_mut(&job) else {
            return;
        };
        self.counters.finished += 1;
        self.counters.failed += u64::from(!outcome.is_value());
        match &known.recipient {
            Recipient::Slot(slot) => {
                self.effects.push(Effect::Slot(Arc::clone(slot), outcome));
            }
            Recipient::Mailbox(mailbox, first) => {
                let mail = Mail::One {
                    number: first + u64::from(task),
                    worker: known.worker,
                    outcome,
                    time,
                };
                self.effects.push(Effect::Mail(Arc::clone(mailbox), mail));
            }
        }
        known.note_done(task, 1);
        if known.remaining == 0 {
            self.jobs.remove(&job);
        }
    }

    /// Gives out the results of tasks one after another.
    pub(super) fn deliver_many(&mut self, job: JobId, many: Many, failed: u64) {
        let Some(known) = self.jobs.get_mut(&job) else {
            return;
        };
        let count = many.count;
        let first = u32::try_from(many.first).unwrap_or(u32::MAX);
        self.counters.finished += u64::from(count);
        self.counters.failed += failed;
        if let Recipient::Mailbox(mailbox, start) = &known.recipient {
            let mail = Mail::Many(Many {
                first: start + many.first,
                worker: known.worker,
                ..many
            });
            self.effects.push(Effect::Mail(Arc::clone(mailbox), mail));
            known.note_done(first, count);
            if known.remaining == 0 {
                self.jobs.remove(&job);
            }
        }
    }

    /// Fails what is left of a job that the pool does not know (any more).
    pub(super) fn fail_rest(&mut self, job: &Job, error: &Error) {
        self.counters.finished += u64::from(job.remaining);
        self.counters.failed += u64::from(job.remaining);
        match &job.recipient {
            Recipient::Slot(slot) => {
                let outcome = Outcome::Failed(error.duplicate());
                self.effects.push(Effect::Slot(Arc::clone(slot), outcome));
            }
            Recipient::Mailbox(mailbox, start) => {
                for task in job.not_done() {
                    let mail = Mail::One {
                        number: start + u64::from(task),
                        worker: job.worker,
                        outcome: Outcome::Failed(error.duplicate()),
                        time: None,
                    };
                    self.effects.push(Effect::Mail(Arc::clone(mailbox), mail));
                }
            }
        }
    }
}
