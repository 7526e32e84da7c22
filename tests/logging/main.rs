//! What workers log, in the logger of the program.
//!
//! A process has one logger, so each test runs in a process of its own.

#[path = "../it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "other tests use the rest")]
mod support;

mod records;
mod spans;

#[multiproc::startup]
fn start_logging() {
    records::start();
    spans::start();
}
