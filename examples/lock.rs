//! How do workers take turns? Here, they print whole lines on the terminal.
//!
//! This is Python's `multiprocessing.Lock` example, except that a worker that dies with the
//! lock does not stop the others.
//!
//! ```text
//! cargo run --example lock
//! ```

use multiproc::sync::Mutex;
use multiproc::worker;

#[worker]
fn greet(lock: &Mutex<()>, number: u32) {
    // Another worker may have died with the lock. There is nothing to repair: go on.
    let _turn = lock.lock().unwrap_or_else(|poisoned| {
        eprintln!("worker {number}: another worker died with the lock");
        lock.clear_poison();
        poisoned.into_inner()
    });
    print!("hello ");
    if number == 3 {
        std::process::abort();
    }
    println!("world {number}");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lock = Mutex::new(())?;
    let workers: Vec<_> = (0..10)
        .map(|number| greet::spawn(&lock, number))
        .collect::<Result<_, _>>()?;
    for worker in workers {
        if let Err(error) = worker.join() {
            eprintln!("{error}");
        }
    }
    Ok(())
}
