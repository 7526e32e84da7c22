//! How do workers count together, and what does it cost: an atomic number, or a number in a mutex?
//!
//! Both are exact, unlike Python's `value.value += 1`.
//!
//! ```text
//! cargo run --release --example counter
//! ```

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use multiproc::shm::Shared;
use multiproc::sync::Mutex;
use multiproc::worker;

const PROCESSES: u64 = 4;
const STEPS: u64 = 100_000;

#[worker]
fn count_in_mutex(counter: &Mutex<u64>) {
    for _ in 0..STEPS {
        *counter.lock().expect("no worker dies here") += 1;
    }
}

#[worker]
fn count_in_atomic(counter: &Shared<AtomicU64>) {
    for _ in 0..STEPS {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let counter = Mutex::new(0)?;
    let begin = Instant::now();
    let workers: Vec<_> = (0..PROCESSES)
        .map(|_| count_in_mutex::spawn(&counter))
        .collect::<Result<_, _>>()?;
    for worker in workers {
        worker.join()?;
    }
    let total = *counter.lock().expect("no worker died");
    report("Mutex<u64>", total, begin);

    let counter = Shared::new(AtomicU64::new(0))?;
    let begin = Instant::now();
    let workers: Vec<_> = (0..PROCESSES)
        .map(|_| count_in_atomic::spawn(&counter))
        .collect::<Result<_, _>>()?;
    for worker in workers {
        worker.join()?;
    }
    report("Shared<AtomicU64>", counter.load(Ordering::Relaxed), begin);
    Ok(())
}

fn report(name: &str, total: u64, begin: Instant) {
    assert_eq!(total, PROCESSES * STEPS);
    println!("{name:18} counted to {total} in {:?}", begin.elapsed());
}
