use std::time::Instant;

use multiproc::worker;

#[worker]
fn run_until(end: Instant) {
    while Instant::now() < end {}
}

#[worker]
fn times() -> Vec<Option<Instant>> {
    vec![]
}

fn main() {
    run_until::run(Instant::now()).unwrap();
    let _ = times::run().unwrap();
}
