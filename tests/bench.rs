//! A bench without a harness: `main` runs once, whatever its workers do.

#![expect(clippy::print_stdout, reason = "that is how benches report")]

use std::time::Instant;

use multiproc::worker;

#[worker]
fn sum(numbers: &[u64]) -> u64 {
    numbers.iter().sum()
}

fn main() -> multiproc::Result<()> {
    if std::env::args().any(|argument| argument == "--list") {
        // What test runners ask of a program that is no libtest.
        if !std::env::args().any(|argument| argument == "--ignored") {
            println!("a_bench_starts_workers: test");
        }
        return Ok(());
    }
    let start = Instant::now();
    for _ in 0..10 {
        assert_eq!(sum::run(&[1, 2, 3])?, 6);
    }
    println!("10 workers in {:?}", start.elapsed());
    Ok(())
}
