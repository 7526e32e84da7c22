//! Objects in processes of their own, and what becomes of their clients.

mod deadlocks;
mod support;
