//! Futures run under whatever the option `runtime` names.
#![deny(warnings)]

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use multiproc::{ErrorKind, worker};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Is not ready at once.
async fn pause() {
    let mut is_ready = false;
    let wake = |context: &mut Context<'_>| {
        if is_ready {
            return Poll::Ready(());
        }
        is_ready = true;
        let waker = context.waker().clone();
        thread::spawn(move || waker.wake());
        Poll::Pending
    };
    poll_fn(wake).await;
}

#[worker(runtime = block_on)]
async fn double(number: u32) -> u32 {
    pause().await;
    number * 2
}

// What is lent is lent until the future ends.
#[worker(runtime = crate::async_functions::block_on)]
async fn lengths(text: &str, numbers: &[u64], suffix: String) -> usize {
    pause().await;
    let length = text.len() + numbers.len();
    pause().await;
    length + suffix.len()
}

#[worker(runtime = block_on::<_>)]
async fn nothing() {
    pause().await;
}

#[worker(runtime = block_on)]
async fn exit(code: i32) -> ! {
    pause().await;
    std::process::exit(code)
}

#[worker(runtime = block_on)]
async fn fails(reason: &str) -> Result<(), String> {
    pause().await;
    Err(reason.to_owned())
}

#[worker(runtime = block_on)]
async fn panics() -> u8 {
    pause().await;
    panic!("on purpose")
}

#[worker(runtime = block_on)]
async fn largest<T: Ord + Clone, const N: usize>(values: &[T], more: [T; N]) -> Option<T>
where
    T: Send,
{
    pause().await;
    values.iter().max().max(more.iter().max()).cloned()
}

struct Executor;

impl Executor {
    fn run<T>(future: impl Future<Output = T>) -> T {
        block_on(future)
    }
}

trait Run {
    fn run_boxed<T>(future: std::pin::Pin<Box<dyn Future<Output = T> + '_>>) -> T;
}

impl Run for Executor {
    fn run_boxed<T>(future: std::pin::Pin<Box<dyn Future<Output = T> + '_>>) -> T {
        block_on(future)
    }
}

fn boxed<T>(future: impl Future<Output = T>) -> T {
    <Executor as Run>::run_boxed(Box::pin(future))
}

#[worker(runtime = Executor::run)]
async fn by_method((a, b): (u8, u8)) -> u8 {
    a + b
}

#[worker(runtime = boxed)]
async fn by_wrapper(text: &str) -> usize {
    text.len()
}

macro_rules! workers {
    ($runtime:path, $($name:ident)*) => {
        $(
            #[worker(runtime = $runtime)]
            async fn $name(number: u8) -> u8 {
                number + 1
            }
        )*
    };
}

workers!(block_on, from_a_macro runtime future path);

#[test]
fn it_runs() {
    assert_eq!(double::run(21).unwrap(), 42);
    assert_eq!(block_on(double(21)), 42);
    assert_eq!(lengths::run("text", &[1, 2], "s".to_owned()).unwrap(), 7);
    nothing::spawn().unwrap().join().unwrap();

    let error = exit::run(3).unwrap_err();
    assert_eq!(error.exit_status().unwrap().code(), Some(3));
    assert_eq!(fails::run("reason").unwrap(), Err("reason".to_owned()));
    let error = panics::run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);

    assert_eq!(largest::run(&[1, 3], [2]).unwrap(), Some(3));
    assert_eq!(largest::run(&['a'], ['b', 'a']).unwrap(), Some('b'));
    assert_eq!(by_method::run((1, 2)).unwrap(), 3);
    assert_eq!(by_wrapper::run("text").unwrap(), 4);
    assert_eq!(from_a_macro::run(1).unwrap(), 2);
    assert_eq!(runtime::run(1).unwrap(), 2);
    assert_eq!(future::run(1).unwrap(), 2);
    assert_eq!(path::run(1).unwrap(), 2);

    // A process is a future, and so is an `async` worker in it.
    assert_eq!(
        block_on(async { double::spawn(4).unwrap().await.unwrap() }),
        8
    );
}
