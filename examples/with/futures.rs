//! How are tasks of a pool awaited?
//!
//! ```text
//! cargo run --example futures
//! ```
//!
//! A task is a future like any other: it can be joined, raced, and cancelled. It does not need a
//! particular runtime; here it is tokio's, with one thread.

use std::time::Duration;

use multiproc::{Pool, Task, worker};

/// Counts the primes below a limit, slowly.
#[worker]
fn count_primes(limit: u32) -> usize {
    (2..limit)
        .filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0))
        .count()
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> multiproc::Result<()> {
    let pool = Pool::new()?;

    // All of them, at the same time; the thread is free for other futures meanwhile.
    let limits = [100_000, 200_000, 300_000, 400_000];
    let tasks = limits.map(|limit| pool.submit(count_primes::call(limit)));
    let counting = async {
        for (limit, task) in limits.into_iter().zip(tasks) {
            println!("{} primes below {limit}", task.await?);
        }
        Ok::<_, multiproc::Error>(())
    };
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let mut ticked = 0;
    tokio::pin!(counting);
    loop {
        tokio::select! {
            counted = &mut counting => break counted?,
            _ = ticks.tick() => ticked += 1,
        }
    }
    println!("the event loop ticked {ticked} times meanwhile");

    // A task that takes too long is cancelled: its worker is killed and replaced.
    let mut endless: Task<usize> = pool.submit(count_primes::call(u32::MAX));
    if tokio::time::timeout(Duration::from_millis(200), &mut endless)
        .await
        .is_err()
    {
        endless.cancel();
        println!("cancelled: {}", endless.await.unwrap_err());
    }
    println!(
        "{} primes below 30",
        pool.submit(count_primes::call(30)).await?
    );
    Ok(())
}
