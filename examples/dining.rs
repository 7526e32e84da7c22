//! What happens to locks whose holder is killed? Philosophers dine, and one of them dies with both
//! forks in hand. Do the others starve?
//!
//! No: the neighbours' next `lock` returns an error with the lock in it, and they eat on.
//!
//! ```text
//! cargo run --example dining
//! ```

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use multiproc::shm::Shared;
use multiproc::sync::{Mutex, MutexGuard};
use multiproc::{Result, worker};

const NAMES: [&str; 5] = ["Plato", "Hypatia", "Confucius", "Descartes", "Arendt"];
const MEALS: u32 = 20;

#[worker]
fn dine(seat: usize, left: &Mutex<()>, right: &Mutex<()>, meals: &Shared<[AtomicU32]>) {
    let name = NAMES[seat];
    // One philosopher takes the forks in the other order, or all might wait in a circle.
    let (first, second) = if seat == 0 {
        (right, left)
    } else {
        (left, right)
    };
    while meals[seat].load(Ordering::Relaxed) < MEALS {
        let _one = take(name, first);
        let _two = take(name, second);
        sleep(Duration::from_millis(5)); // eat
        let eaten = meals[seat].fetch_add(1, Ordering::Relaxed) + 1;
        if name == "Descartes" && eaten == MEALS / 2 {
            println!("{name} does not think any more");
            sleep(Duration::MAX); // until killed, with both forks
        }
    }
    println!("{name} has dined");
}

fn take<'a>(name: &str, fork: &'a Mutex<()>) -> MutexGuard<'a, ()> {
    fork.lock().unwrap_or_else(|poisoned| {
        println!("{name} takes a fork out of a dead hand");
        fork.clear_poison();
        poisoned.into_inner()
    })
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let forks: Vec<Mutex<()>> = NAMES
        .iter()
        .map(|_| Mutex::new(()))
        .collect::<std::io::Result<_>>()?;
    let meals = Shared::from_fn(NAMES.len(), |_| AtomicU32::new(0))?;
    let mut diners = (0..NAMES.len())
        .map(|seat| {
            let (left, right) = (&forks[seat], &forks[(seat + 1) % NAMES.len()]);
            dine::call(seat, left, right, &meals)
                .name(NAMES[seat])
                .spawn()
        })
        .collect::<Result<Vec<_>>>()?;

    let descartes = diners.remove(3);
    while meals[3].load(Ordering::Relaxed) < MEALS / 2 {
        sleep(Duration::from_millis(1));
    }
    sleep(Duration::from_millis(100));
    descartes.kill();
    println!("{}", descartes.join().expect_err("he was killed"));

    for diner in diners {
        diner.join()?;
    }
    println!("meals: {meals:?}");
    Ok(())
}
