//! A call on its way into a pool.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::job::{PoolJob, Recipient, TaskArguments};
use super::load::Load;
use super::outcome::Outcome;
use super::place::Place;
use super::scheduler::JobId;
use super::slot::Slot;
use super::supervisor::SharedPool;
use super::task::{KillOnDrop, Task};
use crate::dispatch::ResultCodec;
use crate::error::Result;
use crate::process::Call;
use crate::trace::Submitted;

/// A call whose arguments are encoded.
pub(super) struct Submission<R> {
    shared: Arc<SharedPool>,
    worker: &'static str,
    result: ResultCodec<R>,
    /// What is to be submitted, or why that is not possible.
    prepared: Result<(PoolJob, Arc<Slot>)>,
}

impl<R> Submission<R> {
    pub(super) fn new(shared: &Arc<SharedPool>, call: Call<'_, R>) -> Submission<R> {
        let (worker, result) = (call.entry().name(), call.result());
        Submission {
            prepared: prepare(shared, call).map_err(|error| error.with_worker(worker)),
            shared: Arc::clone(shared),
            worker,
            result,
        }
    }

    /// Waits for room, if it is limited.
    pub(super) fn when_there_is_room(self) -> Task<R> {
        let place = self.line_up();
        if let Some(place) = &place {
            place.wait();
        }
        self.submit(place)
    }

    /// Submits it, to a place if it needs one.
    pub(super) fn submit(self, place: Option<Place>) -> Task<R> {
        self.hand_in(|shared, job| match place {
            Some(place) => place.submit(job),
            None => shared.submit(job),
        })
    }

    /// Submits it for the worker with this index alone, whether there is room or not.
    pub(super) fn submit_to(self, index: u32) -> Task<R> {
        self.hand_in(|shared, job| shared.submit_to(index, job))
    }

    fn hand_in(self, hand_in: impl FnOnce(&Arc<SharedPool>, PoolJob) -> JobId) -> Task<R> {
        let kills = matches!(&self.prepared, Ok((job, _)) if job.options.kill_on_drop);
        let (job, slot) = match self.prepared {
            Ok((job, slot)) => (Some(hand_in(&self.shared, job)), slot),
            Err(error) => (None, Slot::finished(Outcome::Failed(error)).into()),
        };
        let kill_on_drop = job
            .filter(|_| kills)
            .map(|job| KillOnDrop::new(&self.shared, job));
        Task {
            shared: self.shared,
            job,
            slot,
            worker: self.worker,
            result: self.result,
            _kill_on_drop: kill_on_drop,
        }
    }

    /// The place that it needs, if it does.
    fn line_up(&self) -> Option<Place> {
        let (job, _) = self.prepared.as_ref().ok()?;
        let is_limited = !self.shared.settings().queue_limits.are_none();
        is_limited.then(|| Place::new(&self.shared, job.load_left()))
    }
}

fn prepare<R>(shared: &SharedPool, call: Call<'_, R>) -> Result<(PoolJob, Arc<Slot>)> {
    shared.check_here()?;
    let task = call.into_task()?;
    let slot = Arc::<Slot>::default();
    let job = PoolJob {
        worker: task.entry.name(),
        name: shared.name_of(task.entry, &task.options.limits)?,
        arguments: TaskArguments::One(task.arguments),
        recipient: Recipient::Slot(Arc::clone(&slot)),
        options: task.options.or(shared.settings().task_options),
        submitted: Submitted::now(),
        remaining: 1,
        done: Vec::new(),
    };
    Ok((job, slot))
}

/// A future of a task that is submitted when there is room. Returned by
/// [`Pool::submit_async`](super::Pool::submit_async).
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, worker};
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let pool = Pool::builder().workers(1).queue_limit(10).build()?;
/// let submitting = pool.submit_async(square::call(7));
/// let task = submitting.await;
/// assert_eq!(task.await?, 49);
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "a future does nothing until it is awaited"]
pub struct SubmitFuture<R> {
    /// `None`: it is submitted.
    submission: Option<Submission<R>>,
    /// The place that it has got, if it needs one.
    place: Option<Place>,
}

impl<R> SubmitFuture<R> {
    pub(super) fn new(submission: Submission<R>) -> SubmitFuture<R> {
        SubmitFuture {
            submission: Some(submission),
            place: None,
        }
    }
}

impl<R> Future for SubmitFuture<R> {
    type Output = Task<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Task<R>> {
        let SubmitFuture { submission, place } = self.get_mut();
        let Some(waiting) = submission else {
            return Poll::Pending;
        };
        if let Err(error) = waiting.shared.check_here() {
            waiting.prepared = Err(error.with_worker(waiting.worker));
        } else {
            if place.is_none() {
                *place = waiting.line_up();
            }
            if place.as_ref().is_some_and(|it| !it.poll(context.waker())) {
                return Poll::Pending;
            }
        }
        match submission.take() {
            Some(submission) => Poll::Ready(submission.submit(place.take())),
            None => Poll::Pending,
        }
    }
}

impl<R> fmt::Debug for SubmitFuture<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let worker = self.submission.as_ref().map(|it| it.worker);
        f.debug_struct("SubmitFuture")
            .field("worker", &worker)
            .finish_non_exhaustive()
    }
}

/// The error of submitting without waiting; it gives the call back. Returned by
/// [`Pool::try_submit`](super::Pool::try_submit).
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, TrySubmitError, worker};
///
/// #[worker]
/// fn search_for_ever() {
///     loop {
///         std::thread::park();
///     }
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder().workers(1).queue_limit(1).build()?;
/// let error = loop {
///     if let Err(error) = pool.try_submit(search_for_ever::call()) {
///         break error;
///     }
/// };
/// assert_eq!(error.to_string(), "the pool's queue is full");
/// let TrySubmitError::Full(call) = error;
/// assert!(call.timeout(std::time::Duration::from_millis(10)).run().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySubmitError<C> {
    /// There is no room in the pool's queue.
    Full(C),
}

impl<C> TrySubmitError<C> {
    /// Returns the call.
    pub fn into_inner(self) -> C {
        match self {
            TrySubmitError::Full(call) => call,
        }
    }
}

impl<C> fmt::Debug for TrySubmitError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySubmitError::Full(_) => "Full(..)",
        })
    }
}

impl<C> fmt::Display for TrySubmitError<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySubmitError::Full(_) => "the pool's queue is full",
        })
    }
}

impl<C> std::error::Error for TrySubmitError<C> {}

/// The least that a task is, whose arguments are not encoded yet.
pub(super) const ONE: Load = Load { tasks: 1, bytes: 1 };
