//! What fuzzers call: a function for each place where bytes of another process are believed.
//!
//! The programs around them are in `fuzz/`. The ordinary tests run the same functions on the same
//! corpus, and on what a generator of their own makes of it.

mod connection;
#[allow(
    clippy::type_complexity,
    clippy::large_enum_variant,
    reason = "there are types of many shapes"
)]
mod decode;
#[cfg(test)]
mod inputs;
mod queue;

pub use connection::connection;
pub use decode::decode;
pub use queue::queue;
