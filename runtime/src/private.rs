//! What generated code may name, and nothing else: no part of the public interface.

pub use linkme;

pub use crate::dispatch::{
    Argument, Arguments, BorrowedCodec, Entry, Failure, Job, Lent, OwnedCodec, Parameter,
    ResultCodec, STARTUPS, Startup, WORKERS, borrowed, never, owned, result,
};
pub use crate::halves::{Answer, Lacking, No, Serde, Yes};
pub use crate::hints::{
    PayloadArray, PayloadChannel, PayloadHandle, PayloadPointer, PayloadRefArray, PayloadRefHandle,
    PayloadResult,
};
pub use crate::payload::{Payload, PayloadRef};
pub use crate::process::{Target, bind};
pub use crate::testing::{Expected, Tested, name_of_test, run_test};
pub use crate::verdict::{Container, Elided, Elision, Inferred, Judge, Open, Refused, Unjudged};
