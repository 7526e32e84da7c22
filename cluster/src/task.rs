//! A submitted call, and the place where its result arrives.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use multiproc::__private::cluster::{self as core, Packed, ResultReader};
use multiproc::{Call, Error, ErrorKind, ExecutorTask, Result, TaskState};

use crate::builder::not_here;
use crate::cluster::Cluster;
use crate::nats::Nats;
use crate::runtime::Executor;
use crate::sink::{Ended, Sink};
use crate::submitter::{Message, Submitter, lock};

/// A call that was [submitted](Cluster::submit) to a cluster.
///
/// It is a [`Future`] on any executor. Dropping it has no effect on the task, which still runs, unless its call
/// says [`kill_on_drop`](Call::kill_on_drop).
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
/// let first = cluster.submit(square::call(3));
/// let second = cluster.submit(square::call(4));
/// assert_eq!(second.wait()? + first.wait()?, 25);
/// # Ok(())
/// # }
/// ```
#[must_use = "the task runs, but its result is not waited for"]
pub struct Task<R> {
    slot: Arc<Slot>,
    /// `None`: it never became one, and is finished.
    submitted: Option<Submitted>,
    reader: Option<ResultReader<R>>,
    kill_on_drop: bool,
    process: u32,
}

/// Where it was submitted, and who can be driven to get its result.
struct Submitted {
    submitter: Arc<Submitter<Nats>>,
    number: u64,
    executor: Weak<Executor>,
}

/// Where a result arrives.
#[derive(Default)]
struct Slot {
    state: Mutex<SlotState>,
    changed: Condvar,
}

#[derive(Default)]
struct SlotState {
    is_finished: bool,
    /// Empty before, and when it has been taken.
    ended: Option<Ended>,
    /// That of the user, and that of the executor which a thread drives that waits.
    waker: Option<Waker>,
    driver: Option<Waker>,
}

impl<R> Task<R> {
    pub(crate) fn submit(cluster: &Cluster, call: Call<'_, R>) -> Task<R> {
        let slot = Arc::<Slot>::default();
        let process = std::process::id();
        let packed = if cluster.runtime.is_here() {
            core::pack(call)
        } else {
            Err(not_here())
        };
        let (submitted, reader, kill_on_drop) = match packed {
            Ok(Packed {
                bytes,
                worker,
                retries,
                kill_on_drop,
                reader,
            }) => {
                let submitter = &cluster.submitter;
                submitter.wait_for_room();
                let number = submitter.submit(Message {
                    job: 0,
                    calls: vec![bytes],
                    retries: retries.unwrap_or(0),
                    worker,
                    sink: Arc::clone(&slot) as _,
                });
                let submitted = Submitted {
                    submitter: Arc::clone(submitter),
                    number,
                    executor: cluster.runtime.executor(),
                };
                (Some(submitted), Some(reader), kill_on_drop)
            }
            Err(error) => {
                slot.end(0, Ended::All(error));
                (None, None, false)
            }
        };
        Task {
            slot,
            submitted,
            reader,
            kill_on_drop,
            process,
        }
    }

    /// Waits for the result.
    ///
    /// It never waits for ever: the server, and the agents, may be away for their
    /// [times](crate::ClusterBuilder::server_timeout) only. A task that runs has no limit, unless its call has a
    /// [`timeout`](Call::timeout).
    ///
    /// # Errors
    ///
    /// As [`multiproc::Task::wait`]. In addition, [`Lost`](ErrorKind::Lost): the task may have run, and how it
    /// ended cannot be known; and [`Spawn`](ErrorKind::Spawn): it was not run.
    pub fn wait(self) -> Result<R> {
        self.wait_until(None)?;
        self.result()
    }

    /// Waits for the result, but not longer than `timeout`. Returns `None` if there is none by then.
    ///
    /// # Errors
    ///
    /// As [`wait`](Task::wait). The result is given out once; after that the error is
    /// [`Closed`](ErrorKind::Closed).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Option<R>> {
        if self.wait_until(Instant::now().checked_add(timeout))? {
            self.result().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Returns `true` if there is a result.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.is_here() || lock(&self.slot.state).is_finished
    }

    /// Returns the progress of the task, as far as it is known here: that it runs is told a tenth of a second after
    /// it began.
    #[must_use]
    pub fn state(&self) -> TaskState {
        // In this order: what has ended is not open any more.
        let is_running = self
            .submitted
            .as_ref()
            .is_some_and(|it| self.is_here() && it.submitter.is_running(0, it.number));
        match (self.is_finished(), is_running) {
            (true, _) => TaskState::Finished,
            (false, true) => TaskState::Running,
            (false, false) => TaskState::Queued,
        }
    }

    /// Cancels the task. Returns `false` if it was finished already.
    ///
    /// Its result is [`Cancelled`](ErrorKind::Cancelled) from now on. If it is queued, it never starts. If it
    /// runs, its agent is told, and kills its worker; for an agent that cannot be reached this is tried for a
    /// minute.
    #[expect(
        clippy::must_use_candidate,
        reason = "most callers do not care whether it was in time"
    )]
    pub fn cancel(&self) -> bool {
        let Some(submitted) = &self.submitted else {
            return false;
        };
        self.is_here() && submitted.submitter.cancel(0, submitted.number)
    }

    /// Whether this process is the one whose task it is.
    fn is_here(&self) -> bool {
        self.process == std::process::id()
    }

    fn wait_until(&self, limit: Option<Instant>) -> Result<bool> {
        if !self.is_here() {
            return Err(not_here());
        }
        let Some(submitted) = &self.submitted else {
            return Ok(true);
        };
        if self.is_finished() {
            return Ok(true);
        }
        let begin = Instant::now();
        // It is not kept for longer than it is driven: it ends with its cluster.
        if let Some(executor) = submitted.executor.upgrade() {
            let open = || submitted.submitter.open_calls();
            executor.drive_until(self.slot.finished(), limit, open);
        }
        let is_finished = self.slot.wait_until(limit);
        if let Some(executor) = submitted.executor.upgrade() {
            executor.note_wait(begin.elapsed(), is_finished);
        }
        Ok(is_finished)
    }

    fn result(&self) -> Result<R> {
        let ended = lock(&self.slot.state).ended.take();
        match (ended, &self.reader) {
            (Some(Ended::All(error)), _) => Err(error),
            (Some(Ended::Each(results, _)), Some(reader)) => match results.first() {
                Some(result) => reader.read(result),
                None => Err(self.taken()),
            },
            _ => Err(self.taken()),
        }
    }

    fn taken(&self) -> Error {
        let worker = self.reader.as_ref().map(ResultReader::worker);
        let text = format!(
            "the result of worker `{}` was already taken",
            worker.unwrap_or_default()
        );
        core::error(ErrorKind::Closed, worker, text)
    }
}

impl Slot {
    /// Waits for the end, but not longer than until then. Returns whether it is there.
    fn wait_until(&self, limit: Option<Instant>) -> bool {
        let mut state = lock(&self.state);
        while !state.is_finished {
            let waited = match limit {
                None => self.changed.wait(state),
                Some(limit) => {
                    let left = limit.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let waited = self.changed.wait_timeout(state, left);
                    waited
                        .map(|it| it.0)
                        .map_err(|it| PoisonError::new(it.into_inner().0))
                }
            };
            state = waited.unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// Is ready when the end is there: for the executor that brings it.
    async fn finished(&self) {
        let is_finished = |context: &mut Context<'_>| {
            let mut state = lock(&self.state);
            if state.is_finished {
                return Poll::Ready(());
            }
            state.driver = Some(context.waker().clone());
            Poll::Pending
        };
        poll_fn(is_finished).await;
    }
}

impl Sink for Slot {
    fn end(&self, _: u64, ended: Ended) {
        let mut state = lock(&self.state);
        state.is_finished = true;
        state.ended = Some(ended);
        let waker = state.waker.take();
        let driver = state.driver.take();
        drop(state);
        self.changed.notify_all();
        if let Some(driver) = driver {
            driver.wake();
        }
        if let Some(waker) = waker {
            // It is the user's: its panic would end the thread's work.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| waker.wake()));
        }
    }
}

/// Waits for the result without blocking a thread.
impl<R> Future for Task<R> {
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R>> {
        if !self.is_here() {
            return Poll::Ready(Err(not_here()));
        }
        let mut state = lock(&self.slot.state);
        if !state.is_finished {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        drop(state);
        Poll::Ready(self.result())
    }
}

impl<R> ExecutorTask<R> for Task<R> {
    fn wait(self) -> Result<R> {
        Task::wait(self)
    }

    fn wait_timeout(&self, timeout: Duration) -> Result<Option<R>> {
        Task::wait_timeout(self, timeout)
    }

    fn is_finished(&self) -> bool {
        Task::is_finished(self)
    }

    fn cancel(&self) -> bool {
        Task::cancel(self)
    }
}

impl<R> Drop for Task<R> {
    fn drop(&mut self) {
        if self.kill_on_drop {
            self.cancel();
        }
    }
}

impl<R> fmt::Debug for Task<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("worker", &self.reader.as_ref().map(ResultReader::worker))
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
