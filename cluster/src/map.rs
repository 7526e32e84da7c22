//! The same worker on many inputs.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::iter::FusedIterator;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use multiproc::__private::cluster::{self as core, Packed, ResultReader};
use multiproc::{ExecutorMap, IntoCall, Result};

use crate::builder::not_here;
use crate::indexed::Indexed;
use crate::nats::Nats;
use crate::sink::{Ended, Sink};
use crate::submitter::{Message, Submitter, lock};
use crate::window::Window;

/// How long it may take to get the inputs of a group together.
const GATHERING_TIME: Duration = Duration::from_millis(10);

/// An iterator over the results of a worker on many inputs. Returned by [`Cluster::map`](crate::Cluster::map) and
/// [`Cluster::map_unordered`](crate::Cluster::map_unordered).
///
/// It takes its inputs as it goes, and runs ahead of its results by a bounded number of them: see
/// [`buffered`](Map::buffered). Dropping it cancels the tasks that have not ended.
///
/// A panic of the iterator of inputs, or of the function that makes the calls, is one of
/// [`next`](Iterator::next).
///
/// # Examples
///
/// ```no_run
/// # use multiproc::worker;
/// # #[worker]
/// # fn square(x: u64) -> u64 {
/// #     x * x
/// # }
/// # fn main() -> multiproc::Result<()> {
/// # let cluster = multiproc_cluster::Cluster::connect("nats://queue:4222")?;
/// let mut squares = cluster.map(square::call, [3, 4]);
/// assert_eq!(squares.next().unwrap()?, 9);
/// assert_eq!(squares.next().unwrap()?, 16);
/// assert!(squares.next().is_none());
/// # Ok(())
/// # }
/// ```
#[must_use = "iterators are lazy: no task is started before a result is asked for"]
pub struct Map<'p, R, I: Iterator, F> {
    submitter: &'p Arc<Submitter<Nats>>,
    inputs: I,
    bind: F,
    make: Make<R, I, F>,
    job: u64,
    ordered: bool,
    window: Window,
    timeout: Option<Duration>,
    progress: Option<Progress<'p>>,
    mailbox: Arc<Mailbox>,
    groups: HashMap<u64, Group<R>>,
    /// A call that did not fit into the last group, and the number of its input.
    left_over: Option<(usize, Packed<R>)>,
    /// Results that arrived and are not given out.
    ready: BTreeMap<usize, Result<R>>,
    /// Their order of arrival, if the order of the inputs does not count.
    arrivals: VecDeque<usize>,
    has_ended: bool,
    /// Whether the inputs of the last group were not there in time.
    inputs_are_slow: bool,
    process: u32,
}

type Progress<'p> = Box<dyn FnMut(usize, usize) + Send + 'p>;

/// Makes the next call, known where the map is made.
type Make<R, I, F> = fn(&mut F, <I as Iterator>::Item, Option<Duration>) -> Result<Packed<R>>;

/// Calls that were sent together.
struct Group<R> {
    /// The numbers of the inputs, and what reads the results.
    calls: Vec<(usize, ResultReader<R>)>,
    bytes: usize,
}

/// Where groups end.
#[derive(Default)]
struct Mailbox {
    mail: Mutex<Vec<(u64, Ended)>>,
    changed: Condvar,
}

impl Sink for Mailbox {
    fn end(&self, number: u64, ended: Ended) {
        lock(&self.mail).push((number, ended));
        self.changed.notify_all();
    }
}

impl Mailbox {
    fn take(&self) -> Vec<(u64, Ended)> {
        std::mem::take(&mut *lock(&self.mail))
    }

    fn wait(&self) {
        let mut mail = lock(&self.mail);
        while mail.is_empty() {
            let waited = self.changed.wait(mail);
            mail = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn make<'c, R, I, F, C>(bind: &mut F, input: I, timeout: Option<Duration>) -> Result<Packed<R>>
where
    F: FnMut(I) -> C,
    C: IntoCall<'c, Output = R>,
{
    let call = bind(input).into_call();
    core::pack(match timeout {
        Some(timeout) => call.timeout(timeout),
        None => call,
    })
}

impl<'p, R, I: Iterator, F> Map<'p, R, I, F> {
    pub(crate) fn new<'c, C>(
        submitter: &'p Arc<Submitter<Nats>>,
        inputs: I,
        bind: F,
        ordered: bool,
    ) -> Self
    where
        F: FnMut(I::Item) -> C,
        C: IntoCall<'c, Output = R>,
    {
        Map {
            submitter,
            inputs,
            bind,
            make: make::<R, I::Item, F, C>,
            job: submitter.new_job(),
            ordered,
            window: Window::new(),
            timeout: None,
            progress: None,
            mailbox: Arc::default(),
            groups: HashMap::new(),
            left_over: None,
            ready: BTreeMap::new(),
            arrivals: VecDeque::new(),
            has_ended: false,
            inputs_are_slow: false,
            process: std::process::id(),
        }
    }

    /// Sends the tasks in groups of this many, and one at least.
    ///
    /// By default the groups grow with the number of tasks that take some tens of milliseconds; long tasks are
    /// sent one at a time. Each task of a group succeeds or fails by itself, but one: if their agent is lost, all
    /// of a group that have no result are.
    pub fn chunk_size(mut self, size: usize) -> Self {
        self.window.set_chunk_size(size);
        self
    }

    /// Takes at most this many inputs, and one at least, whose results have not been given out.
    ///
    /// By default that is enough for each worker of the cluster to have one group and the next, and no more than
    /// 4 MiB of arguments for each.
    pub fn buffered(mut self, inputs: usize) -> Self {
        self.window.set_limit(inputs);
        self
    }

    /// Kills a worker whose task runs for longer than this, wherever it is; the task's result is
    /// [`TimedOut`](multiproc::ErrorKind::TimedOut). The time counts for each task from its start.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Calls a function when results have arrived, with their number and the number of all inputs.
    ///
    /// If the iterator of inputs does not know how many there are, the second number is that of the inputs taken
    /// so far. The function is called by [`next`](Iterator::next).
    pub fn progress(mut self, progress: impl FnMut(usize, usize) + Send + 'p) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }

    /// Gives each result with the index of its input.
    pub fn indexed(self) -> Indexed<'p, R, I, F> {
        Indexed(self)
    }

    pub(crate) fn next_indexed(&mut self) -> Option<(usize, Result<R>)> {
        if self.process != std::process::id() {
            let error = (!self.has_ended).then(not_here)?;
            self.has_ended = true;
            return Some((self.window.given(), Err(error)));
        }
        loop {
            self.window.set_workers(self.submitter.workers());
            if self.inputs_are_slow
                && let Some(next) = self.take_ready()
            {
                return Some(next);
            }
            let mail = self.mailbox.take();
            if !mail.is_empty() {
                self.open(mail);
                continue;
            }
            let size = self.window.room(self.left());
            if size > 0 && !self.has_ended {
                self.send(size);
                continue;
            }
            if let Some(next) = self.take_ready() {
                return Some(next);
            }
            if self.groups.is_empty() {
                return None;
            }
            self.mailbox.wait();
        }
    }

    /// How many inputs are left, if that is known.
    fn left(&self) -> Option<usize> {
        match self.inputs.size_hint() {
            (least, Some(most)) if least == most => Some(least),
            _ => None,
        }
    }

    fn take_ready(&mut self) -> Option<(usize, Result<R>)> {
        let number = if self.ordered {
            self.window.given()
        } else {
            *self.arrivals.front()?
        };
        let result = self.ready.remove(&number)?;
        self.arrivals.pop_front();
        self.window.give();
        Some((
            number,
            result.map_err(|it| core::error_of_input(it, number)),
        ))
    }

    fn arrive(&mut self, number: usize, result: Result<R>) {
        self.ready.insert(number, result);
        self.arrivals.push_back(number);
        self.window.arrive();
    }

    /// Takes in what has ended.
    fn open(&mut self, mail: Vec<(u64, Ended)>) {
        for (number, ended) in mail {
            let Some(group) = self.groups.remove(&number) else {
                continue;
            };
            self.window.end_group(group.bytes);
            match ended {
                Ended::Each(results, ran) => {
                    self.window.note_time(group.calls.len(), ran);
                    for ((input, reader), result) in group.calls.into_iter().zip(results) {
                        self.arrive(input, reader.read(&result));
                    }
                }
                Ended::All(error) => {
                    for (input, _) in group.calls {
                        self.arrive(input, Err(core::copy_of_error(&error)));
                    }
                }
            }
        }
        let done = self.window.arrived();
        let total = self.left().unwrap_or(0) + self.window.taken();
        if let Some(progress) = &mut self.progress {
            progress(done, total);
        }
    }

    /// Sends a group of so many calls at most.
    fn send(&mut self, size: usize) {
        let begin = Instant::now();
        let most_bytes = self.submitter.message_limit() / 2;
        let mut calls = Vec::new();
        let mut readers = Vec::new();
        let mut bytes = 0;
        let mut terms: Option<(&'static str, u32)> = None;
        self.inputs_are_slow = false;
        while calls.len() < size {
            let (number, packed) = match self.left_over.take() {
                Some(left_over) => left_over,
                None => {
                    let Some(input) = self.inputs.next() else {
                        self.has_ended = true;
                        break;
                    };
                    let number = self.window.take();
                    match (self.make)(&mut self.bind, input, self.timeout) {
                        Ok(packed) => (number, packed),
                        Err(error) => {
                            self.arrive(number, Err(error));
                            break;
                        }
                    }
                }
            };
            let own = (packed.worker, packed.retries.unwrap_or(0));
            let fits = calls.is_empty() || bytes + packed.bytes.len() <= most_bytes;
            if !fits || terms.is_some_and(|terms| terms != own) {
                self.left_over = Some((number, packed));
                break;
            }
            terms = Some(own);
            bytes += packed.bytes.len();
            calls.push(packed.bytes);
            readers.push((number, packed.reader));
            if begin.elapsed() > GATHERING_TIME {
                self.inputs_are_slow = true;
                break;
            }
        }
        if self.left_over.is_some() {
            self.has_ended = false;
        }
        let Some((worker, retries)) = terms else {
            return;
        };
        self.window.begin_group(bytes);
        let number = self.submitter.submit(Message {
            job: self.job,
            calls,
            retries,
            worker,
            sink: Arc::clone(&self.mailbox) as _,
        });
        let calls = readers;
        self.groups.insert(number, Group { calls, bytes });
    }
}

impl<R, I: Iterator, F> Iterator for Map<'_, R, I, F> {
    type Item = Result<R>;

    fn next(&mut self) -> Option<Result<R>> {
        self.next_indexed().map(|(_, result)| result)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let ahead = self.window.taken() - self.window.given();
        let (least, most) = self.inputs.size_hint();
        let most = most.and_then(|most| most.checked_add(ahead));
        (least.saturating_add(ahead), most)
    }
}

impl<R, I: Iterator, F> FusedIterator for Map<'_, R, I, F> {}

impl<'p, R, I: Iterator, F> ExecutorMap<R> for Map<'p, R, I, F> {
    type Indexed = Indexed<'p, R, I, F>;

    fn indexed(self) -> Indexed<'p, R, I, F> {
        Map::indexed(self)
    }

    fn buffered(self, inputs: usize) -> Self {
        Map::buffered(self, inputs)
    }

    fn timeout(self, timeout: Duration) -> Self {
        Map::timeout(self, timeout)
    }
}

impl<R, I: Iterator, F> Drop for Map<'_, R, I, F> {
    fn drop(&mut self) {
        if !self.groups.is_empty() && self.process == std::process::id() {
            self.submitter.cancel_job(self.job);
        }
    }
}

impl<R, I: Iterator, F> fmt::Debug for Map<'_, R, I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Map")
            .field("given", &self.window.given())
            .field("taken", &self.window.taken())
            .finish_non_exhaustive()
    }
}
