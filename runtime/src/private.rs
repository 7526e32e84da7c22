//! What generated code may name, and nothing else: no part of the public interface.
//!
//! If there is no `multiproc` where generated code looks for it, rustc says so for each path in it, and in the
//! same words: these it shows once. So all paths fail at the same place. What is imported stands in modules
//! one deeper, or rustc would have other words for it.

pub use linkme;
pub use serde;

pub use crate::dispatch::{
    Argument, Arguments, BorrowedCodec, Entry, Failure, Job, Lent, OwnedCodec, Parameter,
    ResultCodec, STARTUPS, Startup, borrowed, never, owned, result,
};
pub use crate::error::Result;
pub use crate::halves::{Answer, No, Serde, Yes};
pub use crate::hints::{
    PayloadArray, PayloadChannel, PayloadHandle, PayloadPointer, PayloadRefArray, PayloadRefHandle,
    PayloadResult,
};
pub use crate::payload::{Payload, PayloadRef};
pub use crate::process::{Call, Process, Target, bind};
pub use crate::service::{
    Client, Launch, Method, Request, RequestInfo, Served, ServiceClient, Unbuilt,
    constructor_failed, constructor_gave_none, launch, request, serve, serve_in_parallel,
};
pub use crate::shm::Shareable;
pub use crate::testing::{Expected, Tested, name_of_test, run_test};
pub use crate::verdict::{Container, Elision, Judge, Open, Refused};

/// What the package `multiproc-cluster` may name: calls and results on their way between machines, and how files
/// are written that show when they ran.
pub mod cluster {
    pub use crate::pool::{Ran, clock, poll_with_ran};
    pub use crate::process::carried_call::{
        Carried, Packed, ResultReader, build, copy_of_error, error, error_of_input, is_worker_lost,
        pack, pack_result, read, unpack, write,
    };
    pub use crate::trace::{EventFile, Row, Span, escape, several};
}

/// What has to be in scope where verdicts are given.
pub mod verdicts {
    pub use crate::halves::Lacking;
    pub use crate::verdict::{Elided, Inferred, Unjudged};
}

/// What a macro expands to finds its crate under any name: generated code needs no attribute of linkme's.
pub mod macros {
    pub use crate::{__register as register, __register_startup as register_startup};
}

/// Puts an entry into the registry, and is a reference to it.
#[doc(hidden)]
#[macro_export]
macro_rules! __register {
    ($($entry:tt)*) => {{
        // SAFETY: the section holds entries (`dispatch/registry.rs`).
        #[cfg_attr(target_os = "linux", unsafe(link_section = "multiproc_workers"))]
        static ENTRY: $crate::__private::Entry = $($entry)*;
        &ENTRY
    }};
}

/// Puts a startup function into the registry.
#[doc(hidden)]
#[macro_export]
macro_rules! __register_startup {
    ($($startup:tt)*) => {{
        #[$crate::__private::linkme::distributed_slice($crate::__private::STARTUPS)]
        #[linkme(crate = $crate::__private::linkme)]
        static STARTUP: $crate::__private::Startup = $($startup)*;
    }};
}
