//! The jobs that have tasks without an outcome, and the outcomes on their way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::Message;
use crate::error::Error;
use crate::pool::callbacks::Callbacks;
use crate::pool::job::{PoolJob, Recipient};
use crate::pool::load::Load;
use crate::pool::mailbox::{Mail, Mailbox, Many, OneMail};
use crate::pool::outcome::Outcome;
use crate::pool::scheduler::JobId;
use crate::pool::slot::Slot;
use crate::pool::stats::Counters;
use crate::pool::wire::split;
use crate::trace::{Span, Submitted};

/// The jobs of a pool.
#[derive(Default)]
pub(super) struct Jobs {
    /// Each by the number of its first task.
    table: BTreeMap<JobId, PoolJob>,
    /// The number of the next task.
    next: JobId,
    /// Of all tasks without an outcome.
    load: Load,
    pub(super) counters: Counters,
    /// To be given out when the pool's lock is free.
    ready: Vec<Delivery>,
}

/// Outcomes, and where they are to arrive. User code runs there: wakers.
pub(super) enum Delivery {
    ToTask(Arc<Slot>, Outcome),
    ToMap(Arc<Mailbox>, Mail),
}

impl Delivery {
    pub(super) fn give(self, callbacks: &Callbacks) {
        match self {
            Delivery::ToTask(slot, outcome) => slot.finish(outcome, callbacks),
            Delivery::ToMap(mailbox, mail) => mailbox.put(mail),
        }
    }
}

impl Jobs {
    /// Takes a job in, and says how many tasks it has.
    pub(super) fn add(&mut self, job: PoolJob) -> (JobId, u32) {
        let (id, count) = self.number(&job);
        self.load += job.load_left();
        self.table.insert(id, job);
        (id, count)
    }

    /// Makes a task one more of the series that was submitted last, if it belongs to that. Returns the
    /// series, and which of it the task is.
    pub(super) fn append(&mut self, task: &PoolJob) -> Option<(JobId, u32)> {
        let (id, series) = self
            .table
            .last_entry()
            .map(|it| (*it.key(), it.into_mut()))?;
        let count = series.arguments.count();
        // Else another was submitted since, which has an outcome by now.
        let is_last = id + JobId::from(count) == self.next;
        if !is_last || !series.append(task) {
            return None;
        }
        self.load += series.load(count, 1);
        self.next += 1;
        self.counters.submitted += 1;
        Some((id, count))
    }

    /// The job of a task with this number, and which of it the task is, if it has no outcome.
    pub(super) fn find(&self, task: JobId) -> Option<(JobId, u32)> {
        let (id, job) = self.table.range(..=task).next_back()?;
        let place = u32::try_from(task - id).ok()?;
        job.is_open(place).then_some((*id, place))
    }

    /// Whether a job is a series.
    pub(super) fn is_series(&self, id: JobId) -> bool {
        let is_series = |job: &PoolJob| matches!(job.recipient, Recipient::Slots(_));
        self.get(id).is_some_and(is_series)
    }

    /// Whether a task of a job has no outcome, and is still wanted.
    pub(super) fn is_open(&self, id: JobId, task: u32) -> bool {
        self.get(id).is_some_and(|job| job.is_open(task))
    }

    /// Fails a job that is not taken in.
    pub(super) fn refuse(&mut self, job: &PoolJob, error: &Error) -> JobId {
        let (id, _) = self.number(job);
        self.fail_rest(job, error);
        id
    }

    fn number(&mut self, job: &PoolJob) -> (JobId, u32) {
        let count = job.arguments.count();
        let id = self.next;
        self.next += JobId::from(count.max(1));
        self.counters.submitted += u64::from(count);
        (id, count)
    }

    /// A job that has a task without an outcome, and that is still wanted.
    pub(super) fn get(&self, id: JobId) -> Option<&PoolJob> {
        self.table.get(&id)
    }

    /// All tasks that have no outcome, and are still wanted.
    pub(super) fn load(&self) -> Load {
        self.load
    }

    /// Some of those of a job.
    pub(super) fn load_of(&self, id: JobId, first: u32, count: u32) -> Load {
        self.get(id)
            .map_or(Load::default(), |job| job.load(first, count))
    }

    /// How long each task of a job may take.
    pub(super) fn timeout(&self, id: JobId) -> Option<Duration> {
        self.get(id)?.options.timeout
    }

    /// How long each may then take to stop.
    pub(super) fn grace(&self, id: JobId) -> Duration {
        let grace = self.get(id).and_then(|job| job.options.grace);
        grace.unwrap_or_default()
    }

    /// The limit on the memory of a process while it runs a task of a job.
    pub(super) fn memory_limit(&self, id: JobId) -> Option<u64> {
        self.get(id)?.options.limits.memory
    }

    /// The name of the function that a job's tasks run.
    pub(super) fn function(&self, id: JobId) -> Option<&'static str> {
        Some(self.get(id)?.worker)
    }

    /// Where a job comes from.
    pub(super) fn submitted(&self, id: JobId) -> Option<Submitted> {
        Some(self.get(id)?.submitted)
    }

    /// Counts how long some tasks of a series have waited that ran one after the other in this time; false
    /// if the job is none.
    pub(super) fn note_waits(
        &mut self,
        id: JobId,
        first: u32,
        count: u32,
        (since, until): Span,
    ) -> bool {
        let Some(job) = self.table.get(&id) else {
            return false;
        };
        let Some(times) = job.submission_times(first, count) else {
            return false;
        };
        let each = (until - since) / u64::from(count.max(1));
        let mut begin = since;
        for submitted in times {
            self.counters.waited(submitted, begin);
            begin += each;
        }
        true
    }

    /// Gives out the outcome of a task.
    pub(super) fn deliver(
        &mut self,
        id: JobId,
        task: u32,
        outcome: Outcome,
        time: Option<Duration>,
    ) {
        let Some(job) = self.table.get_mut(&id) else {
            return;
        };
        let is_value = outcome.is_value();
        self.ready.push(match &mut job.recipient {
            Recipient::Slot(slot) => Delivery::ToTask(Arc::clone(slot), outcome),
            Recipient::Slots(members) => {
                let slot = members.get_mut(task as usize).and_then(|it| it.slot.take());
                // Else it was cancelled.
                let Some(slot) = slot else { return };
                Delivery::ToTask(slot, outcome)
            }
            Recipient::Mailbox(mailbox, first) => {
                let mail = Mail::One(OneMail {
                    number: *first + u64::from(task),
                    worker: job.worker,
                    outcome,
                    time,
                });
                Delivery::ToMap(Arc::clone(mailbox), mail)
            }
        });
        self.counters.finished += 1;
        self.counters.failed += u64::from(!is_value);
        self.load -= job.load(task, 1);
        job.note_done(task, 1);
        if job.remaining == 0 {
            self.table.remove(&id);
        }
    }

    /// Gives out the results of tasks one after another.
    pub(super) fn deliver_many(&mut self, id: JobId, many: Many, failed: u64) {
        let Some(job) = self.table.get_mut(&id) else {
            return;
        };
        let count = many.count;
        let first = u32::try_from(many.first).unwrap_or(u32::MAX);
        if let Recipient::Slots(_) = &job.recipient {
            return self.deliver_to_series(id, first, &many);
        }
        self.counters.finished += u64::from(count);
        self.counters.failed += failed;
        if let Recipient::Mailbox(mailbox, start) = &job.recipient {
            let mail = Mail::Many(Many {
                first: start + many.first,
                worker: job.worker,
                ..many
            });
            self.ready.push(Delivery::ToMap(Arc::clone(mailbox), mail));
            self.load -= job.load(first, count);
            job.note_done(first, count);
            if job.remaining == 0 {
                self.table.remove(&id);
            }
        }
    }

    /// Gives out the results of tasks of a series one after another.
    fn deliver_to_series(&mut self, id: JobId, first: u32, many: &Many) {
        let Some(job) = self.table.get_mut(&id) else {
            return;
        };
        let mut rest = many.replies.as_slice();
        for task in first..first + many.count {
            let Some((reply, others)) = split(rest) else {
                break;
            };
            rest = others;
            let load = job.load(task, 1);
            let Recipient::Slots(members) = &mut job.recipient else {
                break;
            };
            let member = members.get_mut(task as usize);
            // Else it was cancelled.
            if let Some(slot) = member.and_then(|member| member.slot.take()) {
                let message = Message {
                    head: reply.to_vec(),
                    ..Message::default()
                };
                let outcome = Outcome::Reply(message, many.ran(task - first));
                self.counters.finished += 1;
                self.counters.failed += u64::from(!outcome.is_value());
                self.ready.push(Delivery::ToTask(slot, outcome));
                self.load -= load;
                job.remaining -= 1;
            }
        }
        if job.remaining == 0 {
            self.table.remove(&id);
        }
    }

    /// Ends a job with an error for each task that has no outcome.
    pub(super) fn fail(&mut self, id: JobId, error: &Error) {
        if let Some(job) = self.table.remove(&id) {
            self.load -= job.load_left();
            self.fail_rest(&job, error);
        }
    }

    /// Ends all jobs likewise.
    pub(super) fn fail_all(&mut self, error: impl Fn(&PoolJob) -> Error) {
        self.load = Load::default();
        for (_, job) in std::mem::take(&mut self.table) {
            self.fail_rest(&job, &error(&job));
        }
    }

    /// Gives up a job whose results are not wanted any more.
    pub(super) fn forget(&mut self, id: JobId) {
        if let Some(job) = self.table.remove(&id) {
            self.load -= job.load_left();
        }
    }

    /// What is to be given out now that the lock is about to be free.
    pub(super) fn take_ready(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.ready)
    }

    fn fail_rest(&mut self, job: &PoolJob, error: &Error) {
        self.counters.finished += u64::from(job.remaining);
        self.counters.failed += u64::from(job.remaining);
        match &job.recipient {
            Recipient::Slot(slot) => {
                let outcome = Outcome::Failed(error.duplicate());
                self.ready.push(Delivery::ToTask(Arc::clone(slot), outcome));
            }
            Recipient::Slots(members) => {
                for slot in members.iter().filter_map(|member| member.slot.clone()) {
                    let outcome = Outcome::Failed(error.duplicate());
                    self.ready.push(Delivery::ToTask(slot, outcome));
                }
            }
            Recipient::Mailbox(mailbox, start) => {
                for task in job.not_done() {
                    let mail = Mail::One(OneMail {
                        number: start + u64::from(task),
                        worker: job.worker,
                        outcome: Outcome::Failed(error.duplicate()),
                        time: None,
                    });
                    self.ready.push(Delivery::ToMap(Arc::clone(mailbox), mail));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::pool::job::TaskArguments;
    use crate::pool::name::Name;
    use crate::process::TaskOptions;
    use crate::transport::EncodedMessage;

    fn error() -> Error {
        Error::new(ErrorKind::Cancelled, "it was cancelled")
    }

    fn for_task(slot: &Arc<Slot>) -> PoolJob {
        PoolJob {
            worker: "double",
            name: Name::default(),
            arguments: TaskArguments::One(EncodedMessage::default()),
            recipient: Recipient::Slot(Arc::clone(slot)),
            options: TaskOptions::default(),
            submitted: Submitted::now(),
            remaining: 1,
            done: Vec::new(),
        }
    }

    fn for_map(mailbox: &Arc<Mailbox>, first: u64, count: usize) -> PoolJob {
        let count = u32::try_from(count).unwrap();
        PoolJob {
            arguments: TaskArguments::Many(Vec::new(), vec![0; count as usize], Vec::new()),
            recipient: Recipient::Mailbox(Arc::clone(mailbox), first),
            remaining: count,
            ..for_task(&Arc::default())
        }
    }

    #[test]
    fn an_outcome_is_given_out_when_it_is_asked_for_and_once() {
        let (mut jobs, slot) = (Jobs::default(), Arc::<Slot>::default());
        let (id, count) = jobs.add(for_task(&slot));
        assert_eq!((count, jobs.function(id)), (1, Some("double")));
        jobs.deliver(id, 0, Outcome::Failed(error()), None);
        jobs.deliver(id, 0, Outcome::Failed(error()), None);
        assert!(jobs.get(id).is_none());
        assert!(!slot.is_finished());
        let ready = jobs.take_ready();
        assert_eq!(ready.len(), 1);
        assert!(jobs.take_ready().is_empty());
        for delivery in ready {
            delivery.give(&Callbacks::default());
        }
        assert!(slot.is_finished());
        assert_eq!((jobs.counters.finished, jobs.counters.failed), (1, 1));
    }

    #[test]
    fn only_tasks_without_an_outcome_fail_with_their_job() {
        let (mut jobs, mailbox) = (Jobs::default(), Arc::<Mailbox>::default());
        let (id, _) = jobs.add(for_map(&mailbox, 100, 4));
        jobs.deliver(id, 2, Outcome::Failed(error()), None);
        jobs.fail(id, &error());
        jobs.fail(id, &error());
        for delivery in jobs.take_ready() {
            delivery.give(&Callbacks::default());
        }
        let number = |mail| match mail {
            Mail::One(one) => one.number,
            Mail::Many(many) => panic!("{many:?}"),
        };
        let numbers: Vec<u64> = mailbox.take().into_iter().map(number).collect();
        assert_eq!(numbers, [102, 100, 101, 103]);
        assert_eq!(jobs.counters.finished, 4);
    }

    #[test]
    fn a_refused_job_fails_and_is_counted() {
        let (mut jobs, slot) = (Jobs::default(), Arc::<Slot>::default());
        let refused = jobs.refuse(&for_task(&slot), &error());
        assert!(jobs.get(refused).is_none());
        assert_ne!(jobs.add(for_task(&slot)).0, refused);
        assert_eq!((jobs.counters.submitted, jobs.counters.finished), (2, 1));
        assert_eq!(jobs.take_ready().len(), 1);
    }

    #[test]
    fn a_forgotten_job_gives_nothing_out() {
        let (mut jobs, mailbox) = (Jobs::default(), Arc::<Mailbox>::default());
        let (id, _) = jobs.add(for_map(&mailbox, 0, 2));
        jobs.forget(id);
        jobs.deliver(id, 0, Outcome::Failed(error()), None);
        assert!(jobs.take_ready().is_empty());
    }
    #[test]
    fn what_has_no_outcome_is_counted_with_its_bytes() {
        let (mut jobs, slot, mailbox) = (Jobs::default(), Arc::default(), Arc::default());
        let mut one = for_task(&slot);
        one.arguments = TaskArguments::One(EncodedMessage {
            head: vec![0; 5],
            splices: vec![Arc::new(vec![0; 100]), Arc::new(vec![0; 20])],
            ..EncodedMessage::default()
        });
        let mut many = for_map(&mailbox, 0, 4);
        many.arguments = TaskArguments::Many(vec![0; 60], vec![10, 30, 30, 60], Vec::new());
        let load = |tasks, bytes| Load { tasks, bytes };
        let (one, _) = jobs.add(one);
        let (many, _) = jobs.add(many);
        assert_eq!(jobs.load(), load(5, 185));
        assert_eq!(jobs.load_of(many, 1, 3), load(3, 50));
        assert_eq!(jobs.load_of(one, 0, 1), load(1, 125));
        assert_eq!(jobs.load_of(one, 0, 0), load(0, 0));
        jobs.deliver(many, 1, Outcome::Failed(error()), None);
        assert_eq!(jobs.load(), load(4, 165));
        jobs.fail(one, &error());
        jobs.fail(one, &error());
        assert_eq!(
            (jobs.load(), jobs.load_of(one, 0, 1)),
            (load(3, 40), load(0, 0))
        );
        jobs.forget(many);
        assert_eq!(jobs.load(), load(0, 0));
        jobs.add(for_task(&slot));
        jobs.fail_all(|_| error());
        assert_eq!(jobs.load(), load(0, 0));
    }
}
