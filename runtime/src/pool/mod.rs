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
//! * [`worker`] is the other half, in the worker's process; [`limited`] runs tasks that have limits of
//!   their own.
//! * [`wire`] is what the two write to each other, [`ledger`] what both see: which tasks are begun.
//! * [`job`] is what goes in, [`task`] and [`map`] what comes out; a [`slot`] is where a task's
//!   [`outcome`] arrives, a [`mailbox`] where a map's do.
//! * [`builder`], of [`worker_options`], [`surroundings`] and [`task_options`], makes [`settings`], the [`recipe`] of its
//!   workers and, with [`handle`], a pool.
//! * [`pause`] keeps a waiting thread awake for a moment, in the program and in the worker.

mod builder;
mod callbacks;
mod handle;
mod job;
mod ledger;
mod limited;
mod mailbox;
mod map;
mod name;
mod outcome;
mod pause;
mod recipe;
mod scheduler;
mod settings;
mod slot;
mod stats;
mod supervisor;
mod surroundings;
mod task;
mod task_options;
mod trace;
mod wait;
mod wire;
mod worker;
mod worker_options;

pub use builder::PoolBuilder;
pub use handle::Pool;
pub use map::Map;
pub use settings::Initialized;
pub use stats::{PoolStats, WorkerStats};
pub use surroundings::EnvValue;
pub use task::{Task, TaskState};
pub use wait::{AsCompleted, as_completed, wait_all, wait_any};
