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
//! * [`watch`] is the clock of a worker that runs short tasks.
//! * [`wire`] is what the two write to each other, [`ledger`] what both see: which tasks are begun; [`files`]
//!   stay with a worker.
//! * [`job`] is what goes in, [`task`] and [`map`] what comes out; a [`slot`] is where a task's
//!   [`outcome`] arrives, a [`mailbox`] where a map's do.
//! * Tasks that are submitted while all workers are busy are a series, one [`job`]; [`pace`] says how many of
//!   it are sent together.
//! * [`mapping`] is a map at work: a [`call_source`] gives it tasks, which are written on a
//!   [`sheet`], a [`window`] says how many may be
//!   under way; a map waits for it, a stream of one is polled.
//! * [`inputs`] is what a map works on, [`into_call`] what its function makes; [`indexed`] tells which
//!   input a result is of.
//! * [`executor`] is what other back ends are as well.
//! * [`submit`] waits for room, where the number of waiting tasks is limited: a [`place`] in the line
//!   before the queue, for so much [`load`].
//! * [`builder`], of [`worker_options`], [`surroundings`] and [`task_options`], makes [`settings`], the
//!   [`recipe`] of its workers and, with [`handle`], a pool.
//! * [`shutdown`] is how it ends in good order; a [`latch`] is what threads and futures wait for,
//!   then and in the line.
//! * [`broadcast`] and [`resize`] are about each worker; [`retry_delay`] is about lost tasks.
//! * [`pause`] keeps a waiting thread awake for a moment, in the program and in the worker.

mod arrivals;
mod back_pressure;
mod broadcast;
mod builder;
mod call_source;
mod callbacks;
mod cancelled;
mod executor;
mod files;
mod handle;
mod indexed;
#[cfg(feature = "stream")]
mod indexed_stream;
mod inputs;
mod into_call;
mod job;
mod latch;
mod ledger;
mod limited;
mod load;
mod mailbox;
mod map;
#[cfg(feature = "stream")]
mod map_stream;
mod mapping;
mod name;
mod outcome;
mod own_board;
mod pace;
mod pause;
mod place;
mod polled;
mod ran;
mod recipe;
mod resize;
mod retire;
mod retry_delay;
mod scheduler;
mod settings;
mod sheet;
mod shutdown;
mod slot;
mod stats;
mod submit;
mod supervisor;
mod surroundings;
mod task;
mod task_options;
mod traced;
mod wait;
mod watch;
mod window;
mod wire;
mod worker;
mod worker_options;

pub use builder::PoolBuilder;
pub(crate) use callbacks::Callbacks;
pub(crate) use outcome::Outcome;
pub(crate) use pause::Pause;
pub use ran::{Ran, clock};
pub(crate) use slot::Slot;

pub use cancelled::is_cancelled;
pub use executor::{Executor, ExecutorMap, ExecutorTask};
pub use handle::Pool;
pub use indexed::Indexed;
#[cfg(feature = "stream")]
pub use indexed_stream::IndexedStream;
pub use inputs::Inputs;
pub use into_call::IntoCall;
pub use map::Map;
#[cfg(feature = "stream")]
pub use map_stream::MapStream;
pub use retire::retire;
pub use settings::Initialized;
pub use shutdown::ShutdownFuture;
pub use stats::{Distribution, PoolStats, SlowTask, WorkerStats};
pub use submit::{SubmitFuture, TrySubmitError};
pub use surroundings::EnvValue;
pub use task::{Task, TaskState};
pub use traced::poll_with_ran;
pub use wait::{AsCompleted, WaitTimeoutError, as_completed, wait_all, wait_any};
