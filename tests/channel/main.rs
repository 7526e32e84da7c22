//! Channels and queues between processes, and what becomes of them when processes die.

mod channels;
mod model;
mod queues;
mod support;
