//! How does a worker get its arguments, and how does its result come back?
//!
//! ```text
//! cargo run --example arguments
//! ```

use std::process;

use multiproc::worker;

#[worker]
fn greet(name: &str) -> usize {
    println!("Worker process {}: Hello, {name}!", process::id());
    name.len()
}

fn main() -> multiproc::Result<()> {
    println!("Main process {}", process::id());

    // Both run at the same time, in processes of their own.
    let alice = greet::spawn("Alice")?;
    let bob = greet::spawn("Bob")?;
    println!("Alice's name has {} letters", alice.join()?);
    println!("Bob's name has {} letters", bob.join()?);

    // The worker is still an ordinary function, too.
    greet("me, in the main process");
    Ok(())
}
