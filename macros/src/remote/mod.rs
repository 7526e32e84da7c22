//! Functions that are called from another process: what they take and give, and the code that
//! carries it there and back.
//!
//! Parse, model and check what is true of all of them: workers, and the constructors and requests of
//! services. `codecs` is the expansion that they share.

pub(crate) mod check;
pub(crate) mod codecs;
pub(crate) mod entry;
pub(crate) mod generics;
mod hints;
pub(crate) mod model;
mod plain;
pub(crate) mod types;
mod verdicts;
