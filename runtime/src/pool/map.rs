//! The same worker on many inputs.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::into_call::IntoCall;
use super::job::{PoolJob, Recipient, TaskArguments};
use super::mailbox::{Mail, Mailbox, Many};
use super::outcome::Outcome;
use super::scheduler::JobId;
use super::supervisor::SharedPool;
use super::wire::split;
use crate::codec::{Input, Message};
use crate::dispatch::{Entry, ResultCodec};
use crate::error::{Error, Result};
use crate::process::{Subject, TaskOptions};
use crate::protocol::Reply;

/// How long the tasks that are sent together shall take.
const CHUNK_TIME: Duration = Duration::from_millis(4);

/// How much of arguments is sent together.
const CHUNK_BYTES: usize = 96 << 10;

/// How many tasks are sent together at most.
const CHUNK_MAXIMUM: usize = 16 << 10;

/// How many tasks are sent together at most before one has ended.
const FIRST_CHUNK: usize = 16;

/// How much of a group that is cut short to share the last tasks is left: what takes less time is
/// not worth sending.
const SHORTEST: usize = 16;

/// An iterator over the results of a worker on many inputs. Returned by [`Pool::map`](crate::Pool::map) and
/// [`Pool::map_unordered`](crate::Pool::map_unordered).
///
/// It takes its inputs as it goes: before their results are asked for, it takes only as many as keep
/// the workers busy. Dropping it cancels the tasks that have not begun.
///
/// If the iterator of inputs or the function that makes the calls panics, [`next`](Iterator::next)
/// gives the results of all inputs before that, and then panics. If writing an argument or reading a
/// result panics, `next` panics in the place of that result, or, if results are not ordered, when it
/// comes. Code that catches the panic can go on.
///
/// # Examples
///
/// ```
/// # use multiproc::{Pool, worker};
/// # #[worker]
/// # fn square(x: u64) -> u64 {
/// #     x * x
/// # }
/// # fn main() -> multiproc::Result<()> {
/// # let pool = Pool::builder().workers(2).build()?;
/// let mut squares = pool.map(square::call, [3, 4]);
/// assert_eq!(squares.next().unwrap()?, 9);
/// assert_eq!(squares.next().unwrap()?, 16);
/// assert!(squares.next().is_none());
/// # Ok(())
/// # }
/// ```
#[must_use = "iterators are lazy: no task is started before a result is asked for"]
pub struct Map<'p, R, I, F> {
    pool: &'p Arc<SharedPool>,
    inputs: I,
    bind: F,
    ordered: bool,
    chunk_size: Option<usize>,
    timeout: Option<Duration>,
    grace: Option<Duration>,
    progress: Option<Box<dyn FnMut(usize, usize) + Send + 'p>>,
    mailbox: Arc<Mailbox>,
    exhausted: bool,
    /// Inputs taken.
    taken: u64,
    /// Results that arrived.
    arrived: u64,
    /// Results given out.
    given: u64,
    /// Results that arrived and are not given out: in the order of the inputs, with gaps, if the
    /// order counts.
    waiting: VecDeque<Option<(u64, Arrived<R>)>>,
    /// What was instead of the next input.
    panic: Option<Panic>,
    codec: Option<ResultCodec<R>>,
    /// How many tasks are to be sent together.
    chunk: usize,
    jobs: VecDeque<(JobId, u64)>,
}

impl<'p, R, I: Iterator, F> Map<'p, R, I, F> {
    pub(super) fn new(pool: &'p Arc<SharedPool>, inputs: I, bind: F, ordered: bool) -> Self {
        // Of many inputs a few can be sent together before it is known how long they take: what is
        // not begun in time is taken back. Of an input that may be endless, none is taken too much.
        let chunk = match inputs.size_hint() {
            (least, Some(most)) if least == most => {
                (most / pool.workers().saturating_mul(16)).clamp(1, FIRST_CHUNK)
            }
            _ => 1,
        };
        Map {
            pool,
            inputs,
            bind,
            ordered,
            chunk_size: None,
            timeout: None,
            grace: None,
            progress: None,
            mailbox: Arc::default(),
            exhausted: false,
            taken: 0,
            arrived: 0,
            given: 0,
            waiting: VecDeque::new(),
            panic: None,
            codec: None,
            chunk,
            jobs: VecDeque::new(),
        }
    }

    /// Sends the tasks to workers in groups of this many.
    ///
    /// By default the groups grow with the number of tasks that a worker does in a few
    /// milliseconds; long tasks are sent one at a time. In any case each task of a group succeeds
    /// or fails by itself.
    ///
    /// A group has at least one task, even if `size` is 0, and no more than one message holds: as
    /// many tasks as have 96 KiB of arguments together, and 16384 at most.
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::{Pool, worker};
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// # let pool = Pool::builder().workers(2).build()?;
    /// let squares = pool.map(square::call, 0..1000).chunk_size(100);
    /// assert_eq!(squares.map(Result::unwrap).sum::<u64>(), 332_833_500);
    /// # Ok(())
    /// # }
    /// ```
    pub fn chunk_size(mut self, size: usize) -> Self {
        self.chunk_size = Some(size.clamp(1, CHUNK_MAXIMUM));
        self
    }

    /// Kills a worker whose task runs for longer than this, or asks it to stop first if there is a
    /// [`grace`](Map::grace); the task's result is [`TimedOut`](crate::ErrorKind::TimedOut). The time counts for each task from its start.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{ErrorKind, Pool, worker};
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn doze(millis: u64) -> u64 {
    ///     std::thread::sleep(Duration::from_millis(millis));
    ///     millis
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(2).build()?;
    /// let results = pool.map(doze::call, [60_000, 60_000]).timeout(Duration::from_millis(50));
    /// for result in results {
    ///     assert_eq!(result.unwrap_err().kind(), ErrorKind::TimedOut);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Asks a task to stop when its [`timeout`](Map::timeout) is over, and kills its worker only after
    /// this further time: see [`Call::grace`](crate::Call::grace).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    /// use std::time::Duration;
    ///
    /// /// Returns the best solution found by then.
    /// #[worker]
    /// fn improve(mut solution: u64) -> u64 {
    ///     while !multiproc::is_cancelled() {
    ///         solution += 1;
    ///     }
    ///     solution
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(2).build()?;
    /// let solutions = pool
    ///     .map(improve::call, [7, 8])
    ///     .timeout(Duration::from_millis(50))
    ///     .grace(Duration::from_secs(10));
    /// for solution in solutions {
    ///     assert!(solution? >= 7);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = Some(grace);
        self
    }

    /// Calls a function when results have arrived, with their number and the number of all inputs.
    ///
    /// If the iterator of inputs does not know how many there are, the second number is that of the
    /// inputs taken so far. The function is called by [`next`](Iterator::next), once for results
    /// that arrived together.
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::{Pool, worker};
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// # let pool = Pool::builder().workers(2).build()?;
    /// let mut last = (0, 0);
    /// let squares = pool.map(square::call, 0..10).progress(|done, total| last = (done, total));
    /// assert_eq!(squares.count(), 10);
    /// assert_eq!(last, (10, 10));
    /// # Ok(())
    /// # }
    /// ```
    pub fn progress(mut self, progress: impl FnMut(usize, usize) + Send + 'p) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// How many inputs may be taken beyond the results given out.
    fn window(&self) -> u64 {
        self.many().saturating_mul(4)
    }

    /// A group for each worker.
    fn many(&self) -> u64 {
        self.pool.workers().saturating_mul(self.together()) as u64
    }

    /// How many tasks are to be sent together now.
    fn together(&self) -> usize {
        self.chunk_size.unwrap_or(self.chunk)
    }

    /// All inputs, as far as is known.
    fn total(&self) -> usize {
        let taken = usize::try_from(self.taken).unwrap_or(usize::MAX);
        match self.inputs.size_hint() {
            (least, Some(most)) if least == most => taken.saturating_add(most),
            _ => taken,
        }
    }
}

impl<'c, R, I, F, C> Map<'_, R, I, F>
where
    I: Iterator,
    F: FnMut(I::Item) -> C,
    C: IntoCall<'c, Output = R>,
{
    /// The next result, and the index of its input.
    pub(super) fn next_indexed(&mut self) -> Option<(usize, Result<R>)> {
        if let Err(error) = self.pool.check_here() {
            return self.end_elsewhere(error);
        }
        loop {
            let under_way = self.taken - self.arrived;
            // Enough for all workers to go on with while this one result is looked at.
            let enough = self.many().saturating_mul(2);
            let is_enough = under_way >= enough
                || self.exhausted
                || self.panic.is_some()
                || (under_way > 0 && self.pool.is_full());
            if is_enough && let Some(next) = self.take_next() {
                return Some(next);
            }
            let mail = self.mailbox.take();
            if !mail.is_empty() {
                self.open(mail);
                continue;
            }
            if !is_enough && self.taken - self.given < self.window() {
                self.submit();
                continue;
            }
            if let Some(next) = self.take_next() {
                return Some(next);
            }
            if self.taken == self.given {
                match self.panic.take() {
                    Some(panic) => resume_unwind(panic),
                    None if self.exhausted => return None,
                    None => continue,
                }
            }
            let mail = self.mailbox.wait();
            self.open(mail);
        }
    }

    /// Takes inputs for one group of tasks and submits it.
    fn submit(&mut self) {
        let mut size = self.together();
        if let (None, (least, Some(most))) = (self.chunk_size, self.inputs.size_hint())
            && least == most
        {
            // The last ones are shared.
            let shortest = size.div_ceil(SHORTEST);
            size = size.min((most / self.pool.workers().saturating_mul(2)).max(shortest));
        }
        // One at least: the pool would not go on with it otherwise.
        let room = self.pool.room();
        size = size.min(room.tasks).max(1);
        let bytes = CHUNK_BYTES.min(usize::try_from(room.bytes).unwrap_or(CHUNK_BYTES).max(1));
        let mut group = Group::default();
        while group.ends.len() < size && group.bytes.len() < bytes {
            let (inputs, bind) = (&mut self.inputs, &mut self.bind);
            let next = AssertUnwindSafe(|| Some(bind(inputs.next()?).into_call()));
            let call = match catch_unwind(next) {
                Ok(Some(call)) => call,
                Ok(None) => {
                    self.exhausted = true;
                    break;
                }
                // It is told when all that was taken before is.
                Err(panic) => {
                    self.panic = Some(panic);
                    break;
                }
            };
            let number = self.taken;
            self.taken += 1;
            self.codec = Some(call.result());
            let options = TaskOptions {
                timeout: self.timeout,
                grace: self.grace,
                ..TaskOptions::default()
            };
            let options = options.or(call.task_options());
            let same = group
                .of
                .is_some_and(|(entry, its)| std::ptr::eq(entry, call.entry()) && its == options);
            if !same {
                self.send(&mut group);
                group.of = Some((call.entry(), options));
            }
            if group.ends.is_empty() {
                group.first = number;
            }
            let start = group.bytes.len();
            group.bytes.extend([0; 4]);
            let bytes = &mut group.bytes;
            let write = AssertUnwindSafe(|| call.write_task(bytes));
            let written = match catch_unwind(write) {
                Ok(written) => written,
                Err(panic) => {
                    group.bytes.truncate(start);
                    self.send(&mut group);
                    self.arrive(number, Err(panic));
                    continue;
                }
            };
            match written {
                Ok(None) => {
                    let length = group.bytes.len() - start - 4;
                    let length = u32::try_from(length).unwrap_or(u32::MAX);
                    group.bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
                    group.ends.push(group.bytes.len());
                }
                Ok(Some(parcel)) => {
                    group.bytes.truncate(start);
                    self.send(&mut group);
                    self.send_job(call.entry(), options, number, TaskArguments::One(parcel));
                }
                Err(error) => {
                    group.bytes.truncate(start);
                    self.send(&mut group);
                    self.arrive(number, Ok(Err(error)));
                }
            }
        }
        self.send(&mut group);
    }

    fn send(&mut self, group: &mut Group) {
        let Group {
            of: Some((entry, options)),
            first,
            bytes,
            ends,
        } = group
        else {
            return;
        };
        if ends.is_empty() {
            return;
        }
        let (bytes, ends) = (std::mem::take(bytes), std::mem::take(ends));
        let arguments = if ends.len() == 1 {
            TaskArguments::One(crate::transport::EncodedMessage {
                head: bytes[4..].to_vec(),
                ..Default::default()
            })
        } else {
            TaskArguments::Many(bytes, ends)
        };
        let (entry, options, first) = (*entry, *options, *first);
        self.send_job(entry, options, first, arguments);
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
        let id = self.pool.submit(PoolJob {
            worker: entry.name(),
            name,
            arguments,
            recipient: Recipient::Mailbox(Arc::clone(&self.mailbox), first),
            options: options.or(self.pool.settings().task_options),
            remaining: count,
            done: Vec::new(),
        });
        self.jobs.push_back((id, first + u64::from(count)));
    }
}

impl<R, I: Iterator, F> Map<'_, R, I, F> {
    /// A result is there.
    fn arrive(&mut self, number: u64, result: Arrived<R>) {
        self.arrived += 1;
        let result = result.map(|result| result.map_err(|error| error.with_input(index(number))));
        if !self.ordered {
            self.waiting.push_back(Some((number, result)));
            return;
        }
        let place = usize::try_from(number - self.given).unwrap_or(usize::MAX);
        while self.waiting.len() <= place {
            self.waiting.push_back(None);
        }
        self.waiting[place] = Some((number, result));
    }

    fn open(&mut self, mail: Vec<Mail>) {
        if mail.is_empty() {
            return;
        }
        let Some(codec) = self.codec else { return };
        for mail in mail {
            match mail {
                Mail::One {
                    number,
                    worker,
                    outcome,
                    time,
                } => {
                    if let Some(time) = time {
                        self.estimate(time, 1);
                    }
                    let result = resolve_with(|| outcome.resolve(Subject::Worker(worker), &codec));
                    self.arrive(number, result);
                }
                Mail::Many(many) => {
                    if !many.time.is_zero() {
                        self.estimate(many.time, many.count);
                    }
                    let mut number = many.first;
                    let mut rest = many.replies.as_slice();
                    while let Some((reply, others)) = split(rest) {
                        rest = others;
                        let result = resolve_with(|| resolve(reply, &many, &codec));
                        self.arrive(number, result);
                        number += 1;
                    }
                }
            }
        }
        let total = self.total();
        let arrived = usize::try_from(self.arrived).unwrap_or(usize::MAX);
        if let Some(progress) = &mut self.progress {
            progress(arrived, total);
        }
    }

    /// Learns from how long some tasks took.
    fn estimate(&mut self, time: Duration, count: u32) {
        let each = (time / count.max(1)).as_nanos().max(1);
        let fit = usize::try_from(CHUNK_TIME.as_nanos() / each).unwrap_or(usize::MAX);
        let fit = fit.clamp(1, CHUNK_MAXIMUM);
        // By steps: the first ones may be shorter than the others, and a group may have taken long
        // because its worker had to wait for a CPU.
        self.chunk = fit.clamp(self.chunk.div_ceil(2), self.chunk * 8);
    }

    fn take_next(&mut self) -> Option<(usize, Result<R>)> {
        let (number, next) = self.waiting.front_mut()?.take()?;
        self.waiting.pop_front();
        self.given += 1;
        while self.jobs.front().is_some_and(|(_, end)| *end <= self.given) {
            self.jobs.pop_front();
        }
        match next {
            Ok(next) => Some((index(number), next)),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// The one result there is in a copy of the process whose map it is.
    fn end_elsewhere(&mut self, error: Error) -> Option<(usize, Result<R>)> {
        let is_first = !self.exhausted || self.taken > self.given;
        let next = index(self.given);
        self.exhausted = true;
        self.given = self.taken;
        self.panic = None;
        is_first.then_some((next, Err(error)))
    }
}

impl<'c, R, I, F, C> Iterator for Map<'_, R, I, F>
where
    I: Iterator,
    F: FnMut(I::Item) -> C,
    C: IntoCall<'c, Output = R>,
{
    type Item = Result<R>;

    fn next(&mut self) -> Option<Result<R>> {
        self.next_indexed().map(|(_, result)| result)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let ahead = usize::try_from(self.taken - self.given).unwrap_or(usize::MAX);
        let (least, most) = if self.exhausted {
            (0, Some(0))
        } else {
            self.inputs.size_hint()
        };
        (
            least.saturating_add(ahead),
            most.and_then(|most| most.checked_add(ahead)),
        )
    }
}

impl<'c, R, I, F, C> FusedIterator for Map<'_, R, I, F>
where
    I: Iterator,
    F: FnMut(I::Item) -> C,
    C: IntoCall<'c, Output = R>,
{
}

impl<R, I, F> Drop for Map<'_, R, I, F> {
    fn drop(&mut self) {
        let jobs: Vec<JobId> = self.jobs.iter().map(|(id, _)| *id).collect();
        if !jobs.is_empty() && self.pool.is_here() {
            self.pool.abandon(&jobs);
        }
    }
}

impl<R, I, F> fmt::Debug for Map<'_, R, I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map")
            .field("ordered", &self.ordered)
            .field("taken", &self.taken)
            .field("given", &self.given)
            .finish_non_exhaustive()
    }
}

/// The number of an input as an index.
fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A result, or how reading it panicked.
type Arrived<R> = std::result::Result<Result<R>, Panic>;

type Panic = Box<dyn Any + Send>;

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
    Outcome::Reply(message, many.process).resolve(Subject::Worker(many.worker), codec)
}

/// Tasks of one worker that are to be sent together.
#[derive(Default)]
struct Group {
    of: Option<(&'static Entry, TaskOptions)>,
    first: u64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}
