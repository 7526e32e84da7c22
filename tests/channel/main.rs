//! Channels and queues between processes, and what becomes of them when processes die.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a worker has what it is given, and drops it when it ends"
)]

mod borrowed;
mod bulk;
mod channels;
mod handles;
mod model;
mod queues;
mod sick;
mod support;
