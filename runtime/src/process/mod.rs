//! Starting workers in processes of their own, and what becomes of them.
//!
//! ```text
//!            parent                                     child
//!  Call ── spawn ──▶ launch ┬─ spawn: exec ──────────▶ hook, before main ─ Hello
//!   │                       └─ fork_server ──────────▶ zygote: a clone of it
//!   │                 │                                │
//!   │                 ├──────── Call, arguments ──────▶│  serve: prepare, run the job
//!   ▼                 ▼                                ▼
//!  Process ◀─ watch (monitor │ joiner) ◀── Reply ───── replies ── exit
//!                     └─ end: (reply?, status, why it was killed?) → Result
//! ```
//!
//! What a system has to do for that stands in a folder of its own, [`linux`]; on others, no process
//! can be started.
//!
//! # Who watches a child
//!
//! Each living child has one [`Watch`](watch::Watch): its inbox, its pidfd, its deadline. It is
//! driven by the thread that has it: the monitor, which watches all children that no thread waits
//! for, or the thread that is inside `join`, which takes the watch over so that a result wakes
//! one thread and not two. Results are therefore always drained, also when no thread joins: a child
//! with a large result can end before its parent asks for it.
//!
//! # What if a process dies
//!
//! | the child dies | seen as |
//! |---|---|
//! | before or while it receives its arguments | a broken pipe in the sending thread, which is not reported: the end is |
//! | before its reply is complete | exit status without a reply: `Exited` or `Signaled` |
//! | after it | the reply; what it returned, it returned |
//! | and a tracer holds its threads | all threads are seen to be dead ([`end_poll`]) |
//! | not, but its worker's thread does | its first thread sees it, and ends it: `Exited` |
//! | because its time is over | it is asked where it is, and killed a moment later ([`inquiry`]) |
//! | after it was asked to stop | its value, if that came before; else the reason it was asked for, of which how it ended is the source |
//!
//! The parent dies: the child's first thread waits for that, and nothing else, from the moment
//! the request is in (`lifeline`); the kernel closes the connection and marks the parent's pidfd.
//! The child then kills itself, and its own children see *it* die.

mod active;
mod again;
mod call;
mod call_options;
pub(crate) mod carried_call;
mod constructor;
mod current;
mod descendants;
mod end;
mod end_poll;
mod environment;
pub(crate) mod family;
mod future;
mod handle;
mod inquiry;
mod killer;
mod launched;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod linux;
mod member;
mod memory_limit;
mod monitor;
mod origin;
mod output_options;
mod pool_options;
mod portable_call;
mod request_to_stop;
mod role;
mod spares;
mod start_method;
mod stderr_tail;
mod stdio;
mod stop;
mod stop_options;
mod task_call;
mod task_limits;
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod unsupported;
mod watch;

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
pub(in crate::process) use unsupported::{capture, fork_server, launch, relay, spawn_refusal};

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
pub(crate) use unsupported::end_of_panic;

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub(in crate::process) use linux::{capture, fork_server, launch, relay, spawn_refusal};

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub(crate) use linux::end_of_panic;

pub use active::{ChildInfo, active_children};
pub use call::Call;
pub use constructor::Target;
pub use current::{Current, current};
pub use future::CallFuture;
pub use handle::Process;
pub use killer::Killer;
pub use portable_call::PortableCall;
pub use spares::set_spare_processes;
pub use start_method::StartMethod;
pub use stdio::Stdio;

pub use call::bind;

pub(crate) use crate::sys::pidfd::Status;
pub(crate) use again::CallTemplate;
pub(crate) use end::{End, Killed, Subject, Who, cancelled, is_killed, stopped, unheard};
pub(crate) use inquiry::Inquiry;
pub(crate) use member::{Member, Setup, end};
pub(crate) use relay::Relayed;
pub(crate) use request_to_stop::was_asked_to_stop;
pub(crate) use role::{ROLES, Replies, Role, Serve, worker_stack_size};
pub(crate) use stderr_tail::Gauge;
pub(crate) use task_call::{TaskOptions, callee};
pub(crate) use task_limits::{Hook, TaskLimits};
