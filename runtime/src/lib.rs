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
mod limits;
mod payload;
mod pool;
mod process;
mod protocol;
mod remote_error;
mod sys;
mod transport;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use descriptor::Fd;
pub use error::{Error, ErrorKind, Location, PanicInfo, Result};
pub use payload::{Payload, PayloadRef};
pub use pool::{
    AsCompleted, Initialized, Map, Pool, PoolBuilder, PoolStats, Task, TaskState, WorkerStats,
    as_completed, wait_all, wait_any,
};
pub use process::{
    Call, CallFuture, ChildInfo, Current, Process, StartMethod, Stdio, active_children, current,
    set_spare_processes,
};
pub use remote_error::RemoteError;

pub use multiproc_macros::startup;
pub use multiproc_macros::worker;
