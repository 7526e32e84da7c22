//! How fast it is: a map of short calls beside the same on a pool, and the round trip of one call beside
//! that of bare messages through the same streams. Starts a server and agents on this machine.
//!
//! ```sh
//! NATS_SERVER="$(.ci/nats-server)" cargo run --release -p multiproc-cluster --example figures
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
use futures_util::StreamExt;
use multiproc::{Pool, Result, worker};

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

    let _agent = support::AgentProcess::start(&server.url(), 1);
    let cluster = server.cluster();
    assert!(cluster.wait_for_workers(1, Duration::from_secs(30)));
    for round in 0..3 {
        let mut ours = Vec::new();
        for x in 0..1000 {
            let begin = Instant::now();
            assert_eq!(cluster.submit(square::call(x)).wait()?, x * x);
            ours.push(begin.elapsed());
        }
        let (ours, bare) = (median(ours), median(bare(&server.url())));
        println!(
            "{round}: round trip: bare {bare:.1?}, of a task {ours:.1?}: {:.2} times",
            ours.as_secs_f64() / bare.as_secs_f64()
        );
    }
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A worker in another process, which answers without running anything.
#[worker]
fn echo(url: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let context = jetstream::new(async_nats::connect(url).await.unwrap());
        let tasks = context.get_stream("bare-tasks").await.unwrap();
        let config = pull::Config {
            durable_name: Some("all".to_owned()),
            ack_policy: AckPolicy::Explicit,
            ..pull::Config::default()
        };
        let consumer = tasks.get_or_create_consumer("all", config).await.unwrap();
        loop {
            let mut batch = consumer.batch().max_messages(1).messages().await.unwrap();
            while let Some(Ok(message)) = batch.next().await {
                let subject = message.subject.replace("bare.t", "bare.r");
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

/// The same way without this crate: put, pulled, the answer noted, taken in.
fn bare(url: &str) -> Vec<Duration> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = async_nats::connect(url).await.unwrap();
        let context = jetstream::new(client.clone());
        for (name, subject, retention) in [
            (
                "bare-tasks",
                "bare.t.>",
                jetstream::stream::RetentionPolicy::WorkQueue,
            ),
            (
                "bare-records",
                "bare.r.>",
                jetstream::stream::RetentionPolicy::Limits,
            ),
        ] {
            let config = jetstream::stream::Config {
                name: name.to_owned(),
                subjects: vec![subject.to_owned()],
                retention,
                ..jetstream::stream::Config::default()
            };
            context.get_or_create_stream(config).await.unwrap();
        }
        let worker = echo::spawn(url).unwrap();
        let records = context.get_stream("bare-records").await.unwrap();
        let inbox = client.new_inbox();
        let config = push::Config {
            deliver_subject: inbox.clone(),
            ack_policy: AckPolicy::None,
            deliver_policy: jetstream::consumer::DeliverPolicy::New,
            ..push::Config::default()
        };
        let mut subscriber = client.subscribe(inbox).await.unwrap();
        records.create_consumer(config).await.unwrap();
        let mut times = Vec::new();
        for number in 0..1050 {
            let begin = Instant::now();
            let put = context
                .publish(format!("bare.t.{number}"), "0123456789".into())
                .await
                .unwrap();
            put.await.unwrap();
            subscriber.next().await.unwrap();
            times.push(begin.elapsed());
        }
        worker.kill();
        let _ = worker.join();
        times.split_off(50)
    })
}
