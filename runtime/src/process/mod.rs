//! Starting workers in processes of their own, and what becomes of them.
//!
//! ```text
//!            parent                                     child
//!  Call ── start ──▶ launch (spawn) ─ exec ─────▶ boot, before main
//!   │                 │                            │  Hello
//!   │                 ├──────── Call, arguments ──▶│  job: decode, run, encode
//!   ▼                 ▼                            ▼
//!  Process ◀─ watch (monitor │ joiner) ◀── Reply ── report ── exit
//!                     └─ end: (reply?, status, our kill?) → Result
//! ```
//!
//! # Who minds a child
//!
//! Each living child has one [`Watch`](watch::Watch): its inbox, its pidfd, its deadline. It is
//! driven by its owner: the monitor, a thread of the library that minds all children no thread waits
//! for, or the thread that is inside `join`, which takes the watch over so that a result wakes
//! one thread and not two. Results are therefore always drained, even if no thread joins: a child
//! with a large result can end before its parent asks for it.
//!
//! # What if a process dies
//!
//! | the child dies | seen as |
//! |---|---|
//! | before or while it receives its arguments | a broken pipe in the sending thread, which is not reported: the end is |
//! | before its reply is complete | exit status without a reply: `Exited` or `Signaled` |
//! | after it | the reply; what it returned, it returned |
//! | and a tracer holds its threads | all threads are seen to be dead ([`remains`]) |
//! | not, but its worker's thread does | its first thread sees it, and ends it: `Exited` |
//!
//! The parent dies: the child's first thread waits for that, and nothing else, from the moment
//! the request is in ([`lifeline`]); the kernel closes the connection and marks the parent's pidfd.
//! The child then kills itself, and its own children see *it* die.

mod active;
mod call;
mod current;
mod end;
mod environment;
mod fork_server;
mod future;
mod handle;
mod hook;
mod killer;
mod launch;
mod launched;
mod lifeline;
mod member;
mod memory_limit;
mod monitor;
mod origin;
mod remains;
mod serve;
mod spawn;
mod start_method;
mod stdio;
mod watch;
mod zygote;

pub use active::{ChildInfo, active_children};
pub use call::Call;
pub use current::{Current, current};
pub use fork_server::set_spare_processes;
pub use future::CallFuture;
pub use handle::Process;
pub use killer::Killer;
pub use start_method::StartMethod;
pub use stdio::Stdio;

pub use call::bind;

pub(crate) use call::{TaskCall, callee};
pub(crate) use end::{End, Killed, Status, Who, unheard};
pub(crate) use member::{Member, Setup, end};
pub(crate) use serve::{Replies, SERVICES, Serve, Service};
