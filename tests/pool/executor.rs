//! Code that does not care where its tasks run: on a pool, or here on this thread.

use std::cell::RefCell;
use std::future::Future;
use std::iter::Enumerate;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use multiproc::{Call, Executor, ExecutorMap, ExecutorTask, Result, worker};

use crate::{check, panic_with, square};

#[worker]
fn length(text: &str) -> usize {
    text.len()
}

/// All that an executor is asked for.
fn work<E: Executor>(executor: &E) {
    let task = executor.submit(square::call(7));
    assert_eq!(task.wait().unwrap(), 49);
    let task = executor.submit(square::call(8));
    let result = task.wait_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(result, Some(64));
    assert!(task.is_finished() && !task.cancel());
    assert_eq!(
        smol::block_on(executor.submit(square::call(9))).unwrap(),
        81
    );

    let texts = ["a".to_owned(), "bc".to_owned()];
    let lengths = executor.map(|text| length::call(text), &texts);
    assert_eq!(lengths.collect::<Result<Vec<_>>>().unwrap(), [1, 2]);
    let lengths = executor.map_unordered(|text| length::call(text), &texts);
    let lengths = lengths.buffered(1).timeout(Duration::from_secs(30));
    assert_eq!(lengths.sum::<Result<usize>>().unwrap(), 3);
    for (index, result) in executor
        .map(|text| panic_with::call(text), &texts)
        .indexed()
    {
        let error = result.unwrap_err();
        assert_eq!(error.panic().unwrap().message(), texts[index]);
    }
}

#[test]
fn a_pool_is_an_executor() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        work(&pool);
    });
}

/// Runs each call in a process of its own, one after another.
struct OneByOne;

struct Done<R>(RefCell<Option<Result<R>>>);

impl Executor for OneByOne {
    type Task<R> = Done<R>;

    type Map<'e, 'c, R, I, F>
        = Results<I, F>
    where
        I: Iterator,
        F: FnMut(I::Item) -> Call<'c, R>;

    fn submit<R>(&self, call: Call<'_, R>) -> Done<R> {
        Done(RefCell::new(Some(call.run())))
    }

    fn map<'c, R, I, F>(&self, bind: F, inputs: I) -> Results<I::IntoIter, F>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Call<'c, R>,
    {
        let inputs = inputs.into_iter();
        Results {
            inputs,
            bind,
            timeout: None,
        }
    }

    fn map_unordered<'c, R, I, F>(&self, bind: F, inputs: I) -> Results<I::IntoIter, F>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Call<'c, R>,
    {
        self.map(bind, inputs)
    }
}

impl<R> Future for Done<R> {
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<R>> {
        Poll::Ready(self.0.take().unwrap())
    }
}

impl<R> ExecutorTask<R> for Done<R> {
    fn wait(self) -> Result<R> {
        self.0.into_inner().unwrap()
    }

    fn wait_timeout(&self, _: Duration) -> Result<Option<R>> {
        self.0.take().unwrap().map(Some)
    }

    fn is_finished(&self) -> bool {
        true
    }

    fn cancel(&self) -> bool {
        false
    }
}

struct Results<I, F> {
    inputs: I,
    bind: F,
    timeout: Option<Duration>,
}

impl<'c, R, I, F> Iterator for Results<I, F>
where
    I: Iterator,
    F: FnMut(I::Item) -> Call<'c, R>,
{
    type Item = Result<R>;

    fn next(&mut self) -> Option<Result<R>> {
        let call = (self.bind)(self.inputs.next()?);
        Some(match self.timeout {
            Some(timeout) => call.timeout(timeout).run(),
            None => call.run(),
        })
    }
}

impl<'c, R, I, F> ExecutorMap<R> for Results<I, F>
where
    I: Iterator,
    F: FnMut(I::Item) -> Call<'c, R>,
{
    type Indexed = Enumerate<Self>;

    fn indexed(self) -> Enumerate<Self> {
        self.enumerate()
    }

    fn buffered(self, _: usize) -> Self {
        self
    }

    fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

#[test]
fn others_can_be_one() {
    crate::within(Duration::from_mins(1), || work(&OneByOne));
}
