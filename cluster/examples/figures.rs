//! How fast it is: a map of short calls beside the same on a pool, and the round trip of one call beside
//! that of bare messages through the same streams: of a call that is alone, and goes straight to an agent, and of one
//! beside another, which goes through the queue. Starts a server and agents on this machine.
//!
//! ```sh
//! cargo run --release -p multiproc-cluster --example figures
//! ```

#![allow(clippy::print_stdout, reason = "it prints a report")]

#[path = "../tests/support.rs"]
#[allow(
    dead_code,
    clippy::pedantic,
    clippy::print_stderr,
    unreachable_pub,
    reason = "it is of tests"
)]
mod support;

use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::consumer::{AckPolicy, pull, push};
use async_nats::jetstream::stream::RetentionPolicy;
use futures_util::StreamExt;
use multiproc::{Pool, Process, Result, TaskState, worker};

#[worker]
fn doze(micros: u64) -> u64 {
    std::thread::sleep(Duration::from_micros(micros));
    micros
}

#[worker]
fn square(x: u64) -> u64 {
    x * x
}

fn main() -> Result<()> {
    let (server, agents, cluster) = support::cluster(2, 1);
    let pool = Pool::builder().workers(2).build()?;
    for round in 0..3 {
        let begin = Instant::now();
        let sum: u64 = pool
            .map(doze::call, std::iter::repeat_n(1000, 10_000))
            .sum::<Result<_>>()?;
        let local = begin.elapsed();
        let begin = Instant::now();
        let others: u64 = cluster
            .map(doze::call, std::iter::repeat_n(1000, 10_000))
            .sum::<Result<_>>()?;
        let remote = begin.elapsed();
        assert_eq!(sum, others);
        println!(
            "{round}: 10,000 calls of 1 ms: pool {local:.2?}, cluster {remote:.2?}: {:.0} % of the throughput",
            100.0 * local.as_secs_f64() / remote.as_secs_f64()
        );
    }
    let begin = Instant::now();
    let calls = 100_000;
    let sum: u64 = cluster.map(square::call, 0..calls).sum::<Result<_>>()?;
    println!("{calls} empty calls: {:.2?} ({sum})", begin.elapsed());
    drop(agents);
    drop(cluster);

    let _agent = support::AgentProcess::start(&server.url(), 2);
    let cluster = server.cluster();
    assert!(cluster.wait_for_workers(2, Duration::from_secs(30)));
    let busy = server.cluster();
    let beside = busy.submit(doze::call(u64::from(u32::MAX)));
    while beside.state() != TaskState::Running {
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut bare = Bare::start(&server.url(), false);
    // As here, a task may not run before it is noted that it does.
    let mut noted = Bare::start(&server.url(), true);
    for round in 0..3 {
        // In turns, in short ones, so that whatever else the machine does is beside all of them.
        let mut times = [const { Vec::new() }; 4];
        for _ in 0..40 {
            for x in 0..25 {
                let begin = Instant::now();
                assert_eq!(cluster.submit(square::call(x)).wait()?, x * x);
                times[0].push(begin.elapsed());
            }
            for x in 0..25 {
                let begin = Instant::now();
                assert_eq!(busy.submit(square::call(x)).wait()?, x * x);
                times[1].push(begin.elapsed());
            }
            for (bare, times) in [&mut bare, &mut noted].into_iter().zip(&mut times[2..]) {
                for _ in 0..25 {
                    let begin = Instant::now();
                    bare.round_trip();
                    times.push(begin.elapsed());
                }
            }
        }
        let [alone, queued, bare, noted] = times.map(median);
        let ratio = |one: Duration, other: Duration| one.as_secs_f64() / other.as_secs_f64();
        println!(
            "{round}: round trip of a task that is alone {alone:.1?}: {:.2} times a bare one ({bare:.1?}); through the queue {queued:.1?}: {:.2} times, and {:.2} times one with a note ({noted:.1?})",
            ratio(alone, bare),
            ratio(queued, bare),
            ratio(queued, noted)
        );
    }
    beside.cancel();
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A worker in another process, which answers without running anything.
#[worker]
fn echo(url: &str, prefix: &str, notes: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let context = jetstream::new(async_nats::connect(url).await.unwrap());
        let tasks = context.get_stream(format!("{prefix}-tasks")).await.unwrap();
        let config = pull::Config {
            durable_name: Some("all".to_owned()),
            ack_policy: AckPolicy::Explicit,
            ..pull::Config::default()
        };
        let consumer = tasks.get_or_create_consumer("all", config).await.unwrap();
        loop {
            let mut batch = consumer.batch().max_messages(1).messages().await.unwrap();
            while let Some(Ok(message)) = batch.next().await {
                if notes {
                    let subject = message.subject.replace(".t.", ".b.");
                    let noted = context.publish(subject, message.payload.clone()).await;
                    noted.unwrap().await.unwrap();
                }
                let subject = message.subject.replace(".t.", ".r.");
                let stored = context
                    .publish(subject, message.payload.clone())
                    .await
                    .unwrap();
                stored.await.unwrap();
                message.ack().await.unwrap();
            }
        }
    });
}

/// The same way without this crate: put, pulled, perhaps noted, the answer noted, taken in.
struct Bare {
    prefix: &'static str,
    runtime: tokio::runtime::Runtime,
    context: jetstream::Context,
    subscriber: async_nats::Subscriber,
    number: u64,
    worker: Option<Process<()>>,
}

impl Bare {
    fn start(url: &str, notes: bool) -> Bare {
        let prefix = if notes { "noted" } else { "bare" };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let (context, subscriber, worker) = runtime.block_on(async {
            let client = async_nats::connect(url).await.unwrap();
            let context = jetstream::new(client.clone());
            for (name, kinds, retention) in [
                ("tasks", &["t"][..], RetentionPolicy::WorkQueue),
                ("records", &["b", "r"], RetentionPolicy::Limits),
            ] {
                let subjects = kinds.iter().map(|kind| format!("{prefix}.{kind}.>"));
                let config = jetstream::stream::Config {
                    name: format!("{prefix}-{name}"),
                    subjects: subjects.collect(),
                    retention,
                    ..jetstream::stream::Config::default()
                };
                context.get_or_create_stream(config).await.unwrap();
            }
            let worker = echo::spawn(url, prefix, notes).unwrap();
            let records = context
                .get_stream(format!("{prefix}-records"))
                .await
                .unwrap();
            let inbox = client.new_inbox();
            let config = push::Config {
                deliver_subject: inbox.clone(),
                filter_subject: format!("{prefix}.r.>"),
                ack_policy: AckPolicy::None,
                deliver_policy: jetstream::consumer::DeliverPolicy::New,
                ..push::Config::default()
            };
            let subscriber = client.subscribe(inbox).await.unwrap();
            records.create_consumer(config).await.unwrap();
            (context, subscriber, worker)
        });
        Bare {
            prefix,
            runtime,
            context,
            subscriber,
            number: 0,
            worker: Some(worker),
        }
    }

    fn round_trip(&mut self) {
        self.number += 1;
        let Bare {
            prefix,
            runtime,
            context,
            subscriber,
            number,
            ..
        } = self;
        runtime.block_on(async {
            let put = context
                .publish(format!("{prefix}.t.{number}"), "0123456789".into())
                .await
                .unwrap();
            put.await.unwrap();
            subscriber.next().await.unwrap();
        });
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.kill();
            let _ = worker.join();
        }
    }
}
