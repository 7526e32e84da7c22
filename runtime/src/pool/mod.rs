//! The pool: many tasks, few processes.
//!
//! ```text
//!           program                                        worker process
//!  submit ─▶ job ─▶ scheduler ─▶ supervisor ── Task, Batch ──▶ loop: claim, run, reply
//!    │                ▲  events      │  ▲                         │        │
//!    │                └──────────────┘  └──── reply, Results ─────┘        ▼
//!    ▼                                  ◀───── board: what is begun, results not sent
//!  Task ◀─ slot ◀─ outcome        map ◀─ mailbox ◀─ outcomes
//! ```
//!
//! * [`scheduler`] decides who gets what, and does nothing.
//! * [`supervisor`] does it, and tells the scheduler what has happened. What becomes of everything
//!   when a process dies stands there.
//! * [`worker`] is the other half, in the worker's process.
//! * [`wire`] is what the two write to each other, [`ledger`] what both see: which tasks are begun.
//! * [`job`] is what goes in, [`task`] and [`map`] what comes out; a [`slot`] is where a task's
//!   [`outcome`] arrives, a [`mailbox`] where a map's do.
//! * [`mapping`] is a map at work: a [`call_source`] gives it tasks, a [`window`] says how many may be
//!   under way; a map waits for it, a stream of one is polled.
//! * [`executor`] is what other back ends are as well.
//! * [`builder`], of [`worker_options`] and [`task_options`], makes [`settings`] and, with [`handle`],
//!   a pool.
//! * [`pause`] keeps a waiting thread awake for a moment, in the program and in the worker.

mod builder;
mod call_source;
mod callbacks;
mod executor;
mod handle;
mod indexed;
mod inputs;
mod into_call;
mod job;
mod ledger;
mod mailbox;
mod map;
#[cfg(feature = "stream")]
mod map_stream;
mod mapping;
mod name;
mod outcome;
mod pause;
mod scheduler;
mod settings;
mod slot;
mod stats;
mod supervisor;
mod task;
mod task_options;
mod trace;
mod wait;
mod window;
mod wire;
mod worker;
mod worker_options;

pub use builder::PoolBuilder;
pub use executor::{Executor, ExecutorMap, ExecutorTask};
pub use handle::Pool;
pub use indexed::Indexed;
pub use inputs::Inputs;
pub use into_call::IntoCall;
pub use map::Map;
#[cfg(feature = "stream")]
pub use map_stream::MapStream;
pub use settings::Initialized;
pub use stats::{PoolStats, WorkerStats};
pub use task::{Task, TaskState};
pub use wait::{AsCompleted, as_completed, wait_all, wait_any};
