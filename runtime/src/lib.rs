//! Process-based parallelism: one attribute turns a function into a process entry point.

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
compile_error!("multiproc runs on Linux (x86-64 and aarch64) only");

mod codec;
mod descriptor;
mod dispatch;
mod error;
mod payload;
mod process;
mod protocol;
mod remote_error;
pub mod shm;
pub mod sync;
mod sys;
mod transport;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use descriptor::Fd;
pub use error::{Error, ErrorKind, Location, PanicInfo, Result};
pub use payload::{Payload, PayloadRef};
pub use process::{
    Call, ChildInfo, Current, Process, StartMethod, Stdio, active_children, current,
};
pub use remote_error::RemoteError;
pub use shm::Shareable;

pub use multiproc_macros::Shareable;
pub use multiproc_macros::startup;
pub use multiproc_macros::worker;
