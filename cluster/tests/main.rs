//! Tests with real servers. Each has a deadline.

#![allow(
    clippy::pedantic,
    clippy::print_stderr,
    missing_docs,
    unreachable_pub,
    reason = "tests may be blunt"
)]

mod basics;
mod faults;
mod handed;
mod machines;
mod mistakes;
mod network;
mod proxy;
mod security;
mod support;
mod three;
mod trace;
mod workers;
