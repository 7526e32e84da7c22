//! A map at work: takes inputs, sends tasks, and puts results in order.
//!
//! It never waits. `Map`, which blocks, and `MapStream`, which is polled, ask it what is next.
//!
//! Of a million tasks that do nothing, each is little work, and what there is for each is in three places: the
//! loop in which calls are [written](super::call_source), that of the [worker](super::worker), and where a result
//! is [given out](super::arrivals). Measured on two cores: 46 to 57 ns of all processes together. It was twice as much
//! when a message was begun for each argument and result that is [a number](crate::codec::Word), and four times
//! when also each result was put in its place when it came, and the clock looked at for each task.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use super::arrivals::{Arrivals, Arrived};
use super::call_source::{CallSource, Filled, Panic, Room};
use super::job::{PoolJob, Recipient, TaskArguments};
use super::mailbox::{Mail, Mailbox};
use super::scheduler::JobId;
use super::sheet::{Kind, Sheet};
use super::supervisor::SharedPool;
use super::window::Window;
use super::wire::LENGTH;
use crate::dispatch::{Entry, ResultCodec};
use crate::error::{Error, Result};
use crate::process::TaskOptions;
use crate::trace::Submitted;

/// How much of arguments is sent together.
const CHUNK_BYTES: usize = 96 << 10;

/// The work of a map.
pub(super) struct Mapping<R, I, F> {
    pub(super) pool: Arc<SharedPool>,
    calls: CallSource<R, I, F>,
    pub(super) timeout: Option<Duration>,
    pub(super) grace: Option<Duration>,
    pub(super) window: Window,
    pub(super) mailbox: Arc<Mailbox>,
    /// Whether it takes no more inputs once the pool takes no more tasks.
    pub(super) ends_with_pool: bool,
    /// Whether those of the last group were not there in time.
    inputs_are_slow: bool,
    /// Results that arrived and are not given out.
    arrivals: Arrivals<R>,
    /// How many of them may be given out before it is looked whether there is room for inputs.
    unlooked: u64,
    /// What was instead of the next input.
    panic: Option<Panic>,
    codec: Option<ResultCodec<R>>,
    /// The groups that have tasks without a result, by the number of their first.
    groups: BTreeMap<u64, SentGroup>,
}

/// What is next.
pub(super) enum Advance<R> {
    /// The result of the input with this number.
    Result(usize, Result<R>),
    End,
    /// A result that is under way.
    Wait,
}

/// A group of tasks that was sent.
struct SentGroup {
    job: JobId,
    /// Tasks without a result.
    left: u32,
    /// The length of its arguments.
    bytes: usize,
}

impl<R, I: Iterator, F> Mapping<R, I, F> {
    pub(super) fn new(
        pool: Arc<SharedPool>,
        calls: CallSource<R, I, F>,
        ordered: bool,
    ) -> Mapping<R, I, F> {
        Mapping {
            window: Window::new(pool.workers(), calls.left()),
            pool,
            calls,
            timeout: None,
            grace: None,
            mailbox: Arc::default(),
            ends_with_pool: false,
            inputs_are_slow: false,
            arrivals: Arrivals::new(ordered),
            unlooked: 0,
            panic: None,
            codec: None,
            groups: BTreeMap::new(),
        }
    }

    /// Goes on until there is a result, or one has to be waited for.
    ///
    /// # Panics
    ///
    /// The iterator of inputs, the function that makes calls, or an argument or result panicked in the
    /// place of what is next.
    #[inline]
    pub(super) fn advance(
        &mut self,
        progress: Option<&mut (dyn FnMut(usize, usize) + '_)>,
    ) -> Advance<R> {
        if self.unlooked > 0 {
            self.unlooked -= 1;
            if let Some(next) = self.take_next() {
                return next;
            }
        }
        self.look(progress)
    }

    /// Goes on likewise, with a look at all that there is to do.
    fn look(&mut self, mut progress: Option<&mut (dyn FnMut(usize, usize) + '_)>) -> Advance<R> {
        self.unlooked = 0;
        loop {
            // What is there comes first: as long as workers have enough to go on with, or no input can
            // be taken; and it does not wait for one that comes slowly.
            let room = self.room();
            if (room == 0 || self.inputs_are_slow)
                && let Some(next) = self.take_next()
            {
                if room == 0 {
                    self.unlooked = self.until_room();
                }
                return next;
            }
            // In a copy of the process, locks may stay locked for ever.
            if let Err(error) = self.pool.check_here() {
                return self.end_elsewhere(error);
            }
            let mail = self.mailbox.take();
            if !mail.is_empty() {
                self.open(mail);
                if let Some(progress) = &mut progress {
                    let arrived = usize::try_from(self.window.arrived()).unwrap_or(usize::MAX);
                    progress(arrived, self.total());
                }
                continue;
            }
            if room > 0 && !(self.window.under_way() > 0 && self.pool.is_full()) {
                self.submit(room);
                continue;
            }
            if let Some(next) = self.take_next() {
                return next;
            }
            if self.window.ahead() > 0 {
                return Advance::Wait;
            }
            match self.panic.take() {
                Some(panic) => resume_unwind(panic),
                None if self.calls.is_exhausted() => return Advance::End,
                None => {}
            }
        }
    }

    /// How many inputs may be taken for a group: none while workers have enough to go on with.
    fn room(&self) -> usize {
        if self.calls.is_exhausted() || self.panic.is_some() || self.window.is_enough_under_way() {
            return 0;
        }
        self.window.room(self.calls.left())
    }

    /// How many results can be given out, if nothing else happens, before there may be room.
    fn until_room(&self) -> u64 {
        if self.calls.is_exhausted() || self.panic.is_some() {
            return u64::MAX;
        }
        self.window.until_room(self.calls.left())
    }

    /// Takes as many inputs for one group of tasks, or fewer, and submits it.
    fn submit(&mut self, room: usize) {
        let is_last = self.ends_with_pool && self.pool.is_closing();
        // One at least: the pool would not go on with it otherwise.
        let in_pool = self.pool.room();
        let most = if is_last { 1 } else { in_pool.tasks.max(1) };
        // Others may take the same room at the same time: no more than what was asked for.
        let most = if self.pool.settings().queue_limits.are_none() {
            most
        } else {
            most.min(self.window.chunk_size().unwrap_or(most))
        };
        let room = room.min(most);
        let most_bytes = usize::try_from(in_pool.bytes).unwrap_or(CHUNK_BYTES);
        let most_bytes = most_bytes.clamp(1, CHUNK_BYTES);
        self.window.set_workers(self.pool.workers());
        let own_options = TaskOptions {
            timeout: self.timeout,
            grace: self.grace,
            ..TaskOptions::default()
        };
        let mut sheet = Sheet::new(own_options);
        // The length of those that are sent alone.
        let mut bytes = 0;
        let mut count = 0;
        loop {
            let tasks_before = sheet.tasks();
            let left = Room {
                tasks: tasks_before + (room - count),
                bytes: most_bytes.saturating_sub(bytes),
            };
            let filled = self.calls.fill(&mut sheet, left, &mut self.codec);
            let written = sheet.tasks() - tasks_before;
            self.window.take(written as u64);
            count += written;
            let first = self.window.taken();
            match filled {
                Filled::Enough | Filled::End => break,
                Filled::Late => {
                    self.send(sheet.take(), first);
                    self.inputs_are_slow = true;
                    return self.end_if(is_last);
                }
                // It is told when all that was taken before is.
                Filled::Panicked(panic) => {
                    self.panic = Some(panic);
                    break;
                }
                Filled::OfAnother(kind) => {
                    let others = sheet.split(kind);
                    self.send(others, first);
                    self.window.take(1);
                }
                Filled::PanickedInCall(panic) => {
                    self.send(sheet.take(), first);
                    self.window.take(1);
                    self.arrive(first, Err(panic));
                }
                Filled::Alone(_, Err(error)) => {
                    self.send(sheet.take(), first);
                    self.window.take(1);
                    self.arrive(first, Ok(Err(error)));
                }
                Filled::Alone(kind, Ok(message)) => {
                    self.send(sheet.take(), first);
                    self.window.take(1);
                    bytes += message.length();
                    self.send(Some((kind, TaskArguments::One(message))), first + 1);
                }
            }
            if self.window.taken() > first {
                count += 1;
            }
            if count >= room || bytes + sheet.bytes() >= most_bytes {
                break;
            }
        }
        self.send(sheet.take(), self.window.taken());
        self.inputs_are_slow = false;
        self.end_if(is_last);
    }

    fn end_if(&mut self, is_last: bool) {
        if is_last {
            self.calls.end();
        }
    }

    /// Submits tasks, the last ones before this number.
    fn send(&mut self, tasks: Option<(Kind, TaskArguments)>, end: u64) {
        if let Some((Kind { entry, options, .. }, arguments)) = tasks {
            let first = end - u64::from(arguments.count());
            self.send_job(entry, options, first, arguments);
        }
    }

    fn send_job(
        &mut self,
        entry: &'static Entry,
        options: TaskOptions,
        first: u64,
        arguments: TaskArguments,
    ) {
        let count = arguments.count();
        let name = match self.pool.name_of(entry, &options.limits) {
            Ok(name) => name,
            Err(error) => {
                for number in first..first + u64::from(count) {
                    self.arrive(number, Ok(Err(error.duplicate())));
                }
                return;
            }
        };
        let job = PoolJob {
            worker: entry.name(),
            name,
            arguments,
            recipient: Recipient::Mailbox(Arc::clone(&self.mailbox), first),
            options: options.or(self.pool.settings().task_options),
            submitted: Submitted::now(),
            remaining: count,
            done: Vec::new(),
        };
        let bytes = usize::try_from(job.load_left().bytes).unwrap_or(usize::MAX);
        let job = self.pool.submit(job);
        self.window.hold(bytes);
        let left = count;
        self.groups.insert(first, SentGroup { job, left, bytes });
    }

    /// A result is there that need not be read.
    fn arrive(&mut self, number: u64, result: Arrived<R>) {
        self.window.arrive(1, 0, 0);
        self.arrivals.put_known(number, result);
    }

    fn open(&mut self, mail: Vec<Mail>) {
        for mail in mail {
            match mail {
                Mail::One(mail) => {
                    self.settle(mail.number, 1);
                    if let Some(time) = mail.time {
                        self.window.note_time(time, 1);
                    }
                    let bytes = mail.outcome.length();
                    self.window.arrive(1, bytes, bytes);
                    self.arrivals.put_one(mail);
                }
                Mail::Many(many) => {
                    self.settle(many.first, many.count);
                    if !many.time.is_zero() {
                        self.window.note_time(many.time, many.count);
                    }
                    let bytes = many.replies.len() - LENGTH * many.count as usize;
                    self.window.arrive(many.count, bytes, many.longest);
                    self.arrivals.put_many(many);
                }
            }
        }
    }

    /// Tasks of a group have results.
    fn settle(&mut self, first: u64, count: u32) {
        let Some((start, group)) = self.groups.range_mut(..=first).next_back() else {
            return;
        };
        let start = *start;
        group.left = group.left.saturating_sub(count);
        if group.left == 0 {
            self.window.release(group.bytes);
            self.groups.remove(&start);
        }
    }

    /// The next result that is there.
    #[inline]
    fn take_next(&mut self) -> Option<Advance<R>> {
        // Each task that was taken has left one.
        let codec = self.codec?;
        let next = self.arrivals.next(self.window.given())?;
        self.window.give(next.bytes());
        let place = usize::try_from(next.number()).unwrap_or(usize::MAX);
        // What panics in that does not cost those behind it.
        let result = next.read(&codec).map_err(|error| error.with_input(place));
        Some(Advance::Result(place, result))
    }

    /// The one result there is in a copy of the process whose map it is.
    fn end_elsewhere(&mut self, error: Error) -> Advance<R> {
        let is_first = !self.calls.is_exhausted() || self.window.ahead() > 0;
        let number = usize::try_from(self.window.given()).unwrap_or(usize::MAX);
        self.calls.end();
        self.window.give_all();
        self.arrivals.clear();
        self.unlooked = 0;
        self.panic = None;
        if is_first {
            Advance::Result(number, Err(error))
        } else {
            Advance::End
        }
    }

    /// All inputs, as far as is known.
    fn total(&self) -> usize {
        let taken = usize::try_from(self.window.taken()).unwrap_or(usize::MAX);
        taken.saturating_add(self.calls.left().unwrap_or(0))
    }

    pub(super) fn size_hint(&self) -> (usize, Option<usize>) {
        let ahead = usize::try_from(self.window.ahead()).unwrap_or(usize::MAX);
        let (least, most) = self.calls.size_hint();
        let least = if self.ends_with_pool { 0 } else { least };
        (
            least.saturating_add(ahead),
            most.and_then(|most| most.checked_add(ahead)),
        )
    }
}

impl<R, I, F> Mapping<R, I, F> {
    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("ordered", &self.arrivals.is_ordered())
            .field("taken", &self.window.taken())
            .field("given", &self.window.given())
            .finish_non_exhaustive()
    }
}

impl<R, I, F> Drop for Mapping<R, I, F> {
    fn drop(&mut self) {
        let jobs: Vec<JobId> = self.groups.values().map(|group| group.job).collect();
        if !jobs.is_empty() && self.pool.is_here() {
            self.pool.abandon(&jobs);
        }
    }
}
