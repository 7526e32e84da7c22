//! The thread on which all talk with the engine happens, and how another does its work for a while.
//!
//! To wake a thread takes as long as a short task does. A thread that waits for a task would wake this one when it
//! submits, and be woken by it when the task has ended. So a thread that waits for the only task, after such that were
//! short, takes the executor over, and talks with the engine itself:
//!
//! | who drives the executor | until |
//! |---|---|
//! | the thread of the executor | a thread that waits asks for it |
//! | a thread that waits | its task has ended, or for [`LENT`] at most |
//! | no thread, after that | the next one that waits; or for [`PAUSE`], after which the thread of the executor goes on. If other tasks are open, that is at once |
//!
//! So what is to be done on the executor may be late by [`PAUSE`], if it is handed over right after a task that was
//! waited for like that.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use multiproc::__private::cluster;
use multiproc::{ErrorKind, Result};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{Notify, oneshot};

use crate::submitter::lock;

/// For how long a thread that waits drives the executor, at most.
const LENT: Duration = Duration::from_millis(10);

/// For how long no thread drives the executor, at most.
const PAUSE: Duration = Duration::from_millis(1);

/// A task that was waited for no longer than this is short.
const SHORT: Duration = Duration::from_millis(3);

/// A thread with an executor of its own, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Runtime {
    executor: Arc<Executor>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// The process whose thread it is: a copy of it has none.
    process: u32,
}

/// What the thread drives, or one that waits.
#[derive(Debug)]
pub(crate) struct Executor {
    /// There until this is dropped.
    inner: Option<tokio::runtime::Runtime>,
    turn: Mutex<Turn>,
    /// That the thread is to leave the executor to another.
    wanted: Notify,
    /// That the thread is to take it back.
    left: Condvar,
    /// Whether the last task that was waited for was short.
    was_short: AtomicBool,
}

/// Who drives the executor.
#[derive(Debug, Default)]
struct Turn {
    /// A thread that waits, or is about to.
    is_lent: bool,
    /// Its own thread, or it is about to.
    is_kept: bool,
    /// There is something to be done for others.
    is_due: bool,
    /// How often it was lent.
    count: u64,
}

impl Runtime {
    pub(crate) fn start() -> Result<Runtime> {
        let failed = |error: std::io::Error| {
            let text = format!("cannot start the thread of a cluster: {error}");
            cluster::error(ErrorKind::Spawn, None, text)
        };
        let inner = Builder::new_current_thread().enable_all().build();
        let executor = Arc::new(Executor {
            inner: Some(inner.map_err(failed)?),
            turn: Mutex::default(),
            wanted: Notify::new(),
            left: Condvar::new(),
            was_short: AtomicBool::new(false),
        });
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("multiproc-cluster".to_owned());
        let driven = Arc::clone(&executor);
        let run = move || driven.drive(stopped);
        Ok(Runtime {
            executor,
            stop: Some(stop),
            thread: Some(thread.spawn(run).map_err(failed)?),
            process: std::process::id(),
        })
    }

    /// Runs a future on the thread, and waits for it here.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        if !self.is_here() {
            return None;
        }
        let (sender, receiver) = mpsc::channel();
        let inner = self.executor.inner.as_ref()?;
        inner.spawn(async move {
            let _ = sender.send(future.await);
        });
        receiver.recv().ok()
    }

    /// The executor, for threads that wait, as long as it is there.
    pub(crate) fn executor(&self) -> Weak<Executor> {
        Arc::downgrade(&self.executor)
    }

    /// Whether this process is the one whose thread it is.
    pub(crate) fn is_here(&self) -> bool {
        self.process == std::process::id()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && self.is_here()
            && thread.thread().id() != thread::current().id()
        {
            // It has caught the panics of its futures, and has none of its own.
            let _ = thread.join();
        }
    }
}

impl Executor {
    /// What its own thread does.
    fn drive(&self, mut stopped: oneshot::Receiver<()>) {
        let Some(inner) = &self.inner else {
            return;
        };
        loop {
            lock(&self.turn).is_kept = true;
            let is_stopped = inner.block_on(async {
                tokio::select! {
                    biased;
                    _ = &mut stopped => true,
                    () = self.wanted.notified() => false,
                }
            });
            if is_stopped {
                return;
            }
            self.rest();
        }
    }

    /// Leaves it to others, until they do not want it any more.
    fn rest(&self) {
        let mut turn = lock(&self.turn);
        turn.is_kept = false;
        loop {
            let before = turn.count;
            let waited = self.left.wait_timeout(turn, PAUSE);
            turn = waited.unwrap_or_else(PoisonError::into_inner).0;
            let is_wanted = turn.is_due || turn.count == before;
            if is_wanted && !turn.is_lent {
                turn.is_due = false;
                return;
            }
        }
    }

    /// Drives it until the future is ready, for a moment at most; or not at all, if that is not expected, or if
    /// more is open than what this thread waits for.
    pub(crate) fn drive_until(
        &self,
        ready: impl Future<Output = ()>,
        limit: Option<Instant>,
        open: impl Fn() -> usize,
    ) {
        let Some(inner) = &self.inner else {
            return;
        };
        // Who is on an executor's thread cannot drive another.
        let is_free = Handle::try_current().is_err_and(|error| error.is_missing_context());
        if !is_free || !self.was_short.load(Ordering::Relaxed) || open() > 1 {
            return;
        }
        let Some(_lent) = Lent::new(self, &open) else {
            return;
        };
        let until = Instant::now() + LENT;
        let until = limit.map_or(until, |limit| limit.min(until));
        inner.block_on(async {
            let late = tokio::time::sleep_until(until.into());
            tokio::select! {
                biased;
                () = ready => {}
                () = late => {}
            }
        });
    }

    /// Notes for how long a task was waited for, and whether it has ended.
    pub(crate) fn note_wait(&self, took: Duration, is_finished: bool) {
        let is_short = took < SHORT;
        if is_finished || !is_short {
            self.was_short.store(is_short, Ordering::Relaxed);
        }
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if let Some(inner) = self.inner.take() {
            // What is left on it is not waited for.
            inner.shutdown_background();
        }
    }
}

/// The right to drive an executor, and how to know whether something is open.
struct Lent<'a, F: Fn() -> usize>(&'a Executor, &'a F);

impl<'a, F: Fn() -> usize> Lent<'a, F> {
    fn new(executor: &'a Executor, open: &'a F) -> Option<Lent<'a, F>> {
        let mut turn = lock(&executor.turn);
        if turn.is_lent {
            return None;
        }
        turn.is_lent = true;
        if turn.is_kept {
            executor.wanted.notify_one();
        }
        Some(Lent(executor, open))
    }
}

impl<F: Fn() -> usize> Drop for Lent<'_, F> {
    fn drop(&mut self) {
        let Lent(executor, open) = self;
        let is_due = open() > 0;
        let mut turn = lock(&executor.turn);
        turn.is_lent = false;
        turn.count = turn.count.wrapping_add(1);
        turn.is_due |= is_due;
        drop(turn);
        if is_due {
            executor.left.notify_one();
        }
    }
}

#[cfg(test)]
#[allow(clippy::pedantic, reason = "tests may be blunt")]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    /// An executor whose last task was short.
    fn runtime() -> (Runtime, Arc<Executor>) {
        let runtime = Runtime::start().unwrap();
        let executor = runtime.executor().upgrade().unwrap();
        executor.note_wait(Duration::ZERO, true);
        (runtime, executor)
    }

    #[test]
    fn what_is_handed_over_is_run_whoever_has_driven_the_executor() {
        let (runtime, executor) = runtime();
        for round in 0..200 {
            // Of this or of no other: it is due at once, or soon.
            let open = round % 2;
            let handle = executor.inner.as_ref().unwrap().handle().clone();
            let run = async move { handle.spawn(ready(round)).await.unwrap() };
            executor.drive_until(async { assert_eq!(run.await, round) }, None, || open);
            assert_eq!(runtime.run(ready(round)), Some(round));
        }
    }

    #[test]
    fn a_thread_that_waits_for_long_gives_it_back() {
        let (runtime, executor) = runtime();
        let begin = Instant::now();
        executor.drive_until(pending(), None, || 1);
        assert!(begin.elapsed() >= LENT);
        assert_eq!(runtime.run(ready(1)), Some(1));
        executor.note_wait(begin.elapsed(), false);
        let not_driven = async { panic!("the last one was not short") };
        executor.drive_until(not_driven, None, || 1);
    }

    #[test]
    fn one_thread_drives_it_and_only_for_itself() {
        let (runtime, executor) = runtime();
        let not_driven = || async { panic!("it is driven") };
        executor.drive_until(not_driven(), None, || 2);
        executor.drive_until(
            async { executor.drive_until(not_driven(), None, || 1) },
            None,
            || 1,
        );
        let one = Lent::new(&executor, &|| 1);
        assert!(one.is_some());
        executor.drive_until(not_driven(), None, || 1);
        drop(one);
        assert_eq!(runtime.run(ready(1)), Some(1));
    }

    #[test]
    fn it_ends_although_a_thread_has_the_executor() {
        let (runtime, executor) = runtime();
        let weak = runtime.executor();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| executor.drive_until(pending(), None, || 1));
            drop(runtime);
            waiting.join().unwrap();
        });
        drop(executor);
        assert!(weak.upgrade().is_none());
    }
}
