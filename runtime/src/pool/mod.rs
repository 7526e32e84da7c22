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
//!   their own. [`cancelled`] is what its tasks can ask, and [`retire`](mod@retire) what they can say,
//!   by the [board](own_board) of that process.
//! * [`wire`] is what the two write to each other, [`ledger`] what both see: which tasks are begun.
//! * [`job`] is what goes in, [`task`] and [`map`] what comes out; a [`slot`] is where a task's
//!   [`outcome`] arrives, a [`mailbox`] where a map's do.
//! * [`into_call`] is what the function of a map makes; [`indexed`] tells which input a result is of.
//! * [`submit`] waits for room, where the number of waiting tasks is limited: a [`place`] in the line
//!   before the queue, for so much [`load`].
//! * [`builder`], of [`worker_options`], [`surroundings`] and [`task_options`], makes [`settings`], the
//!   [`recipe`] of its workers and, with [`handle`], a pool.
//! * [`shutdown`] is how it ends in good order; a [`latch`] is what threads and futures wait for,
//!   then and in the line.
//! * [`broadcast`] and [`resize`] are about each worker; [`retry_delay`] is about lost tasks.
//! * [`pause`] keeps a waiting thread awake for a moment, in the program and in the worker.

mod back_pressure;
mod broadcast;
mod builder;
mod callbacks;
mod cancelled;
mod handle;
mod indexed;
mod into_call;
mod job;
mod latch;
mod ledger;
mod limited;
mod load;
mod mailbox;
mod map;
mod name;
mod outcome;
mod own_board;
mod pause;
mod place;
mod recipe;
mod resize;
mod retire;
mod retry_delay;
mod scheduler;
mod settings;
mod shutdown;
mod slot;
mod stats;
mod submit;
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
pub use cancelled::is_cancelled;
pub use handle::Pool;
pub use indexed::Indexed;
pub use into_call::IntoCall;
pub use map::Map;
pub use retire::retire;
pub use settings::Initialized;
pub use shutdown::ShutdownFuture;
pub use stats::{PoolStats, WorkerStats};
pub use submit::{SubmitFuture, TrySubmitError};
pub use surroundings::EnvValue;
pub use task::{Task, TaskState};
pub use wait::{AsCompleted, WaitTimeoutError, as_completed, wait_all, wait_any};
