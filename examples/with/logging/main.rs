//! How do the logs of workers get to the logger of the program, or their spans to its subscriber?
//!
//! ```text
//! RUST_LOG=debug cargo run --example logging                # records of `log`, written by env_logger
//! RUST_LOG=debug cargo run --example logging -- tracing     # spans and events of `tracing`
//! ```
//!
//! The workers pass on what they log to the program, where one logger decides what is written, and
//! how. What a worker has logged right before it crashes arrives, too.

use std::env;

use multiproc::Result;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::prelude::*;

mod with_log;
mod with_tracing;

#[cfg(test)]
mod tests;

/// Runs in the process of each worker, before that. Most programs need one of the two.
#[multiproc::startup]
fn pass_logs_on() {
    multiproc::logging::forward();
    tracing_subscriber::registry()
        .with(multiproc::logging::layer())
        .init();
}

/// Sets up the logger, as in any other program.
fn main() -> Result<()> {
    let level = env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned());
    if env::args().nth(1).is_some_and(|facade| facade == "tracing") {
        let filter = EnvFilter::new(level);
        tracing_subscriber::fmt().with_env_filter(filter).init();
        with_tracing::measure_all()
    } else {
        env_logger::Builder::new().parse_filters(&level).init();
        with_log::measure_all()
    }
}
