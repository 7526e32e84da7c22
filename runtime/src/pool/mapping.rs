//! A map at work: takes inputs, sends tasks, and puts results in order.
//!
//! It never waits. `Map`, which blocks, and `MapStream`, which is polled, ask it what is next.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::call_source::{CallSource, NextCall, Panic, WrittenArguments};
use super::job::{PoolJob, Recipient, TaskArguments};
use super::mailbox::{Mail, Mailbox, Many};
use super::outcome::Outcome;
use super::ran::Ran;
use super::scheduler::JobId;
use super::supervisor::SharedPool;
use super::window::Window;
use super::wire::split;
use crate::codec::{Input, Message};
use crate::dispatch::{Entry, ResultCodec};
use crate::error::{Error, Result};
use crate::process::{Subject, TaskOptions};
use crate::protocol::Reply;
use crate::trace::Submitted;
use crate::transport::EncodedMessage;

/// How much of arguments is sent together.
const CHUNK_BYTES: usize = 96 << 10;

/// How long it may take to get the inputs of a group together: those that are there are not to wait
/// for the others.
const GATHERING_TIME: Duration = Duration::from_millis(10);

/// The work of a map.
pub(super) struct Mapping<R, I, F> {
    pub(super) pool: Arc<SharedPool>,
    calls: CallSource<R, I, F>,
    ordered: bool,
    pub(super) timeout: Option<Duration>,
    pub(super) grace: Option<Duration>,
    pub(super) window: Window,
    pub(super) mailbox: Arc<Mailbox>,
    /// Whether it takes no more inputs once the pool takes no more tasks.
    pub(super) ends_with_pool: bool,
    /// Whether those of the last group were not there in time.
    inputs_are_slow: bool,
    /// Results that arrived and are not given out: in the order of the inputs, with gaps, if the
    /// order counts.
    waiting: VecDeque<Option<Arrival<R>>>,
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

/// A result that has arrived.
struct Arrival<R> {
    number: u64,
    /// The length of what was received.
    bytes: usize,
    result: Arrived<R>,
}

/// A result, or how reading it panicked.
type Arrived<R> = std::result::Result<Result<R>, Panic>;

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
            ordered,
            timeout: None,
            grace: None,
            mailbox: Arc::default(),
            ends_with_pool: false,
            inputs_are_slow: false,
            waiting: VecDeque::new(),
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
    pub(super) fn advance(
        &mut self,
        mut progress: Option<&mut (dyn FnMut(usize, usize) + '_)>,
    ) -> Advance<R> {
        loop {
            // What is there comes first: as long as workers have enough to go on with, or no input can
            // be taken; and it does not wait for one that comes slowly.
            let room = self.room();
            if (room == 0 || self.inputs_are_slow)
                && let Some(next) = self.take_next()
            {
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
        let begin = Instant::now();
        let mut group = Group::default();
        // Those of tasks that are sent alone.
        let mut bytes = 0;
        let mut count = 0;
        let mut slow = false;
        while count < room && !slow && bytes + group.bytes.len() < most_bytes {
            let start = group.bytes.len();
            let call = match self.calls.next(&mut group.bytes) {
                NextCall::Call(call) => call,
                NextCall::End => break,
                // It is told when all that was taken before is.
                NextCall::Panicked(panic) => {
                    self.panic = Some(panic);
                    break;
                }
            };
            let number = self.window.take();
            count += 1;
            self.codec = Some(call.result);
            let options = own_options.or(call.options);
            if !group.is_of(call.entry, options) {
                let arguments = group.bytes.split_off(start);
                self.send(&mut group);
                group.of = Some((call.entry, options));
                group.bytes = arguments;
            }
            if group.ends.is_empty() {
                group.first = number;
            }
            match call.arguments {
                WrittenArguments::Together => group.ends.push(group.bytes.len()),
                WrittenArguments::Alone(message) => {
                    bytes += message.length();
                    self.send(&mut group);
                    let arguments = TaskArguments::One(message);
                    self.send_job(call.entry, options, number, arguments);
                }
                WrittenArguments::Failed(error) => {
                    self.send(&mut group);
                    self.arrive(number, 0, Ok(Err(error)));
                }
                WrittenArguments::Panicked(panic) => {
                    self.send(&mut group);
                    self.arrive(number, 0, Err(panic));
                }
            }
            // A look at the clock costs a part of what a short task does.
            if count.is_power_of_two() || count.is_multiple_of(8) {
                slow = begin.elapsed() >= GATHERING_TIME;
            }
        }
        self.send(&mut group);
        self.inputs_are_slow = slow;
        if is_last {
            self.calls.end();
        }
    }

    fn send(&mut self, group: &mut Group) {
        let Some((entry, options)) = group.of else {
            return;
        };
        if group.ends.is_empty() {
            return;
        }
        let (bytes, ends) = (
            std::mem::take(&mut group.bytes),
            std::mem::take(&mut group.ends),
        );
        let arguments = if ends.len() == 1 {
            TaskArguments::One(EncodedMessage {
                head: bytes[4..].to_vec(),
                ..Default::default()
            })
        } else {
            TaskArguments::Many(bytes, ends)
        };
        self.send_job(entry, options, group.first, arguments);
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
                    self.arrive(number, 0, Ok(Err(error.duplicate())));
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

    /// A result is there.
    fn arrive(&mut self, number: u64, bytes: usize, result: Arrived<R>) {
        self.window.arrive();
        self.window.note_length(bytes);
        self.window.hold(bytes);
        let arrival = Some(Arrival {
            number,
            bytes,
            result,
        });
        if !self.ordered {
            self.waiting.push_back(arrival);
            return;
        }
        let place = usize::try_from(number - self.window.given()).unwrap_or(usize::MAX);
        while self.waiting.len() <= place {
            self.waiting.push_back(None);
        }
        self.waiting[place] = arrival;
    }

    fn open(&mut self, mail: Vec<Mail>) {
        let Some(codec) = self.codec else { return };
        for mail in mail {
            match mail {
                Mail::One {
                    number,
                    worker,
                    outcome,
                    time,
                } => {
                    self.settle(number, 1);
                    if let Some(time) = time {
                        self.window.note_time(time, 1);
                    }
                    let bytes = outcome.length();
                    let outcome = if outcome.is_value() {
                        outcome
                    } else {
                        outcome.after_logs()
                    };
                    let result = resolve_with(|| outcome.resolve(Subject::Worker(worker), &codec));
                    self.arrive(number, bytes, result);
                }
                Mail::Many(many) => {
                    self.settle(many.first, many.count);
                    if !many.time.is_zero() {
                        self.window.note_time(many.time, many.count);
                    }
                    let mut number = many.first;
                    let mut rest = many.replies.as_slice();
                    while let Some((reply, others)) = split(rest) {
                        rest = others;
                        let result = resolve_with(|| resolve(reply, &many, &codec));
                        self.arrive(number, reply.len(), result);
                        number += 1;
                    }
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

    fn take_next(&mut self) -> Option<Advance<R>> {
        let next = self.waiting.front_mut()?.take()?;
        self.waiting.pop_front();
        self.window.give();
        self.window.release(next.bytes);
        let number = usize::try_from(next.number).unwrap_or(usize::MAX);
        match next.result {
            Ok(result) => {
                let result = result.map_err(|error| error.with_input(number));
                Some(Advance::Result(number, result))
            }
            Err(panic) => resume_unwind(panic),
        }
    }

    /// The one result there is in a copy of the process whose map it is.
    fn end_elsewhere(&mut self, error: Error) -> Advance<R> {
        let is_first = !self.calls.is_exhausted() || self.window.ahead() > 0;
        let number = usize::try_from(self.window.given()).unwrap_or(usize::MAX);
        self.calls.end();
        self.window.give_all();
        self.waiting.clear();
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
            .field("ordered", &self.ordered)
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

/// Reads a result. A panic in that is not to cost those behind it.
fn resolve_with<R>(resolve: impl FnOnce() -> Result<R>) -> Arrived<R> {
    catch_unwind(AssertUnwindSafe(resolve))
}

/// What one reply of several says.
fn resolve<R>(reply: &[u8], many: &Many, codec: &ResultCodec<R>) -> Result<R> {
    // Nearly all are values, and need not be copied to be read.
    if let Some((kind, value)) = reply.split_first()
        && *kind == Reply::Returned as u8
    {
        let mut input = Input::over(value);
        if let Ok(value) = codec.read(&mut input)
            && input.finish().is_ok()
        {
            return Ok(value);
        }
    }
    let message = Message {
        head: reply.to_vec(),
        ..Message::default()
    };
    let outcome = Outcome::Reply(message, Ran::in_process(many.process)).after_logs();
    outcome.resolve(Subject::Worker(many.worker), codec)
}

/// Tasks of one worker that are to be sent together.
#[derive(Default)]
struct Group {
    of: Option<(&'static Entry, TaskOptions)>,
    first: u64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Group {
    fn is_of(&self, entry: &'static Entry, options: TaskOptions) -> bool {
        self.of
            .is_some_and(|(own, its)| std::ptr::eq(own, entry) && its == options)
    }
}
