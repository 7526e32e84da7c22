//! How do the logs of workers get to the logger of the program?
//!
//! ```text
//! RUST_LOG=debug cargo run --example logging
//! ```
//!
//! The workers pass on what they log to the program, where one logger decides what is written, and
//! how. What a worker has logged right before it crashes arrives, too.

use log::{debug, error, info, warn};
use multiproc::{Pool, Result, worker};

#[cfg(test)]
mod tests;

/// Runs in the process of each worker, before that.
#[multiproc::startup]
fn pass_logs_on() {
    multiproc::logging::forward();
}

/// Measures a file, some of which are broken.
#[worker]
fn measure(name: &str) -> usize {
    debug!("opening {name}");
    if name.is_empty() {
        warn!("there is a file without a name");
    }
    if name.contains("broken") {
        info!(file = name; "this one looks strange");
        // A library in C would crash.
        std::process::abort();
    }
    name.len()
}

fn main() -> Result<()> {
    // The program's own, as in any other program.
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    measure_all()
}

fn measure_all() -> Result<()> {
    let pool = Pool::builder().workers(2).name("measurer").build()?;
    let names = ["one", "", "broken", "four"];
    let tasks = names.map(|name| (name, pool.submit(measure::call(name))));
    for (name, task) in tasks {
        match task.wait() {
            Ok(length) => info!("{name:?} has a length of {length}"),
            Err(error) => error!("{name:?}: {error}"),
        }
    }
    pool.shutdown()
}
