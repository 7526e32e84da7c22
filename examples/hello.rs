//! How does a function come to run in a process of its own?
//!
//! ```text
//! cargo run --example hello
//! ```

use multiproc::worker;

#[worker]
fn hello() {
    println!("Worker process: Hello, world!");
}

fn main() -> multiproc::Result<()> {
    let process = hello::spawn()?;
    process.join()
}
