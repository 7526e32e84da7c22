//! Objects that live in processes of their own.

#[allow(dead_code, unused_imports, reason = "what asks it is not there yet")]
pub(crate) mod graph;
