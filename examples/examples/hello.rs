//! A function runs in a process of its own.

use multiproc::worker;

#[worker]
fn hello() {
    println!("Worker process: Hello, world!");
}

fn main() -> multiproc::Result<()> {
    let process = hello::spawn()?;
    process.join()
}
