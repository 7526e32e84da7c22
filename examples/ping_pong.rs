//! How do two processes talk to each other?
//!
//! A duplex connection has two ends that both send and receive. One of them goes to the worker as
//! an argument.
//!
//! ```text
//! cargo run --release --example ping_pong
//! ```

use std::error::Error;
use std::time::Instant;

use multiproc::channel::{Duplex, duplex};
use multiproc::worker;

const ROUNDS: u32 = 10_000;

/// Sends back what it receives, until the other side is gone.
#[worker]
fn pong(ball: Duplex<u32, u32>) {
    let (back, balls) = ball.split();
    for number in balls {
        if back.send(number).is_err() {
            return;
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (ours, theirs) = duplex::<u32, u32>()?;
    let process = pong::spawn(theirs)?;

    let start = Instant::now();
    for number in 0..ROUNDS {
        ours.send(number)?;
        assert_eq!(ours.recv()?, number);
    }
    println!("{:?} there and back", start.elapsed() / ROUNDS);

    // The worker's loop ends when this end is gone.
    drop(ours);
    process.join()?;
    Ok(())
}
