//! Objects in processes of their own, and what becomes of requests to them.
//!
//! Each test runs in a process of its own, with a deadline, once for each start method; what it leaves
//! behind is found out.

#[path = "../it/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "other tests use the rest")]
mod support;

mod circles;
mod clients;
mod deadlocks;
mod deaths;
mod ends;
mod handles;
mod order;
mod sizes;
mod soak;
mod subject;
mod times;
mod waiting;
