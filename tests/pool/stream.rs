//! Results of a map as a stream, on executors that know nothing of pools.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_core::Stream;
use multiproc::{ErrorKind, MapStream, Pool, Result, worker};

use crate::{check, doze, panic_with, square};

fn tokio<F: Future>(future: F) -> F::Output {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap().block_on(future)
}

/// The next result, as every `StreamExt` has it.
async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    std::future::poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

async fn collect<S: Stream + Unpin>(mut stream: S) -> Vec<S::Item> {
    let mut items = Vec::new();
    while let Some(item) = next(&mut stream).await {
        items.push(item);
    }
    items
}

#[test]
fn every_executor_gets_the_results() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let squares = || pool.map(square::call, 0..10_000).into_stream();
        let expected: Vec<u64> = (0..10_000).map(|x| x * x).collect();
        let values = |results: Vec<Result<u64>>| -> Vec<u64> {
            results.into_iter().map(Result::unwrap).collect()
        };
        assert_eq!(values(tokio(collect(squares()))), expected);
        assert_eq!(values(smol::block_on(collect(squares()))), expected);
        let on_a_thread = smol::spawn(collect(pool.map(square::call, 0..10).into_stream()));
        assert_eq!(values(smol::block_on(on_a_thread)), expected[..10]);
        assert!(smol::block_on(collect(pool.map(square::call, []).into_stream())).is_empty());
    });
}

#[test]
fn a_stream_with_numbers_tells_them() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let texts = ["no", "never"];
        let stream = pool
            .map_unordered(panic_with::call, texts)
            .indexed()
            .into_stream();
        assert_eq!(stream.size_hint(), (0, Some(2)));
        let mut seen = [false; 2];
        for (index, result) in tokio(collect(stream)) {
            let error = result.unwrap_err();
            assert_eq!(error.input(), Some(index));
            assert_eq!(error.panic().unwrap().message(), texts[index]);
            assert!(!std::mem::replace(&mut seen[index], true));
        }
        assert_eq!(seen, [true; 2]);
    });
}

#[test]
fn a_slow_consumer_leaves_an_endless_input_alone() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let taken = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&taken);
        let inputs = (0..).inspect(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let mut stream = pool.map(square::call, inputs).buffered(50).into_stream();
        tokio(async {
            for given in 1..=20 {
                next(&mut stream).await.unwrap().unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
                let taken = taken.load(Ordering::Relaxed);
                assert!(taken < given + 50, "{taken} are taken after {given}");
            }
        });
    });
}

#[test]
fn a_stream_that_is_dropped_cancels_what_has_not_begun() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let stream = pool.map(doze::call, [1, 300, 60_000, 60_000]).into_stream();
        let begin = Instant::now();
        tokio(async move {
            let mut stream = stream;
            assert_eq!(next(&mut stream).await.unwrap().unwrap(), 1);
            // Dropped by a timer, as a request is whose client has gone.
            let rest = collect(stream);
            let rest = tokio::time::timeout(Duration::from_millis(50), rest).await;
            assert!(rest.is_err());
        });
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
        assert!(begin.elapsed() < Duration::from_secs(30));
        assert_eq!(pool.queued(), 0);
    });
}

#[test]
fn a_stream_outlives_its_pool_and_ends() {
    check(|pool| {
        for with_tokio in [false, true] {
            let pool = pool().workers(2).build().unwrap();
            let inputs = (0..).map(|number| if number == 0 { 0 } else { 60_000 });
            let mut stream = pool.map(doze::call, inputs).buffered(4).into_stream();
            assert_eq!(tokio(next(&mut stream)).unwrap().unwrap(), 0);
            drop(pool);
            let errors: Vec<_> = match with_tokio {
                true => tokio(collect(stream)),
                false => smol::block_on(collect(stream)),
            };
            assert!((1..=5).contains(&errors.len()), "{}", errors.len());
            for (number, error) in (1..).zip(errors) {
                let error = error.unwrap_err();
                assert_eq!(error.input(), Some(number));
                let kind = error.kind();
                assert!(
                    matches!(kind, ErrorKind::Cancelled | ErrorKind::Closed),
                    "{kind:?}"
                );
            }
        }
        // Of one that was shut down, it gives what was submitted.
        let pool = pool().workers(2).build().unwrap();
        let mut stream = pool
            .map(
                doze::call,
                (0..).map(|number| if number < 4 { 50 } else { 0 }),
            )
            .into_stream();
        assert_eq!(tokio(next(&mut stream)).unwrap().unwrap(), 50);
        pool.shutdown().unwrap();
        let mut rest = tokio(collect(stream));
        let last = rest.pop().unwrap().unwrap_err();
        assert_eq!(last.kind(), ErrorKind::Closed);
        assert!(!rest.is_empty());
        assert!(rest.iter().all(Result::is_ok));
    });
}

/// It can be kept anywhere and polled from any thread.
#[test]
fn a_stream_is_sent_and_kept() {
    struct Service {
        _pool: Pool,
        stream: Pin<Box<dyn Stream<Item = Result<u64>> + Send>>,
    }
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let stream = Box::pin(pool.map(square::call, 0..3).into_stream());
        let mut service = Service {
            _pool: pool,
            stream,
        };
        let collected = std::thread::spawn(move || tokio(collect(&mut service.stream)).len());
        assert_eq!(collected.join().unwrap(), 3);
    });
}

#[test]
fn the_last_waker_is_woken() {
    struct Count(AtomicUsize);
    impl std::task::Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let mut stream = pool.map(doze::call, [200]).into_stream();
        let wakers = [(); 2].map(|()| Arc::new(Count(AtomicUsize::new(0))));
        for waker in &wakers {
            let waker = Waker::from(Arc::clone(waker));
            let polled = Pin::new(&mut stream).poll_next(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
        }
        crate::eventually("the last is woken", || {
            wakers[1].0.load(Ordering::SeqCst) == 1
        });
        assert_eq!(wakers[0].0.load(Ordering::SeqCst), 0);
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(Some(result)) = Pin::new(&mut stream).poll_next(&mut context) else {
            panic!("there is no result");
        };
        assert_eq!(result.unwrap(), 200);
        for _ in 0..2 {
            assert!(matches!(
                Pin::new(&mut stream).poll_next(&mut context),
                Poll::Ready(None)
            ));
        }
    });
}

#[test]
fn a_waker_that_panics_costs_nothing() {
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker of the test");
        }
    }
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let mut stream = pool.map(doze::call, [50, 0]).into_stream();
        let waker = Waker::from(Arc::new(Panics));
        let polled = Pin::new(&mut stream).poll_next(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        let results = smol::block_on(collect(stream));
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(results.len(), 2);
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
    });
}

#[worker]
fn slow_square(x: u64) -> u64 {
    std::thread::sleep(Duration::from_millis(1));
    x * x
}

/// Two at a time on one thread: neither keeps the other from its results.
#[test]
fn two_streams_share_a_thread() {
    async fn sum<I: Iterator, F>(mut stream: MapStream<u64, I, F>) -> u64 {
        let mut sum = 0;
        while let Some(result) = next(&mut stream).await {
            sum += result.unwrap();
        }
        sum
    }
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let sums = || {
            let streams = [0..100, 100..200].map(|inputs| pool.map(slow_square::call, inputs));
            streams.map(|map| sum(map.into_stream()))
        };
        let [one, other] = sums();
        let total = smol::block_on(async { smol::future::zip(one, other).await });
        assert_eq!(total.0 + total.1, (0..200).map(|x| x * x).sum::<u64>());
    });
}

#[test]
#[should_panic(expected = "count the results of the stream instead")]
fn a_stream_has_no_function_for_its_progress() {
    let pool = Pool::builder().workers(1).build().unwrap();
    let _ = pool
        .map(square::call, 0..3)
        .progress(|_, _| {})
        .into_stream();
}
