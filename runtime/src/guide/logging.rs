//! Logs of workers: where they go, and how they get to the logger of the program.
//!
//! By default they go nowhere. A logger is set up in `main`, which does not run in the process of a
//! worker: there `log::info!` finds none, and does nothing. What a worker prints goes to the terminal, or
//! where the standard streams of its call [lead](crate::Call::stderr).
//!
//! A [`startup`](macro@crate::startup) function runs in each worker's process. It can set a logger up
//! as `main` does; with one for each process, each has to be told where to write, and at which level. Or it
//! can pass on what is logged to the logger of the program, which is what this page is about.
//!
//! # Records of `log`
//!
//! With the feature `log`:
//!
#![cfg_attr(feature = "log", doc = "```standalone_crate")]
#![cfg_attr(not(feature = "log"), doc = "```ignore")]
//! use multiproc::worker;
//!
//! #[multiproc::startup]
//! fn pass_logs_on() {
//!     multiproc::logging::forward();
//! }
//!
//! #[worker]
//! fn measure(text: &str) -> usize {
//!     log::info!("measuring {text:?}");
//!     text.len()
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! env_logger::init(); // nothing else is needed here
//! assert_eq!(measure::run("abc")?, 3);
//! # Ok(())
//! # }
//! ```
//!
//! With `RUST_LOG=info`, and the feature `kv` of `env_logger`, that writes
//!
//! ```text
//! [2026-05-04T10:20:30Z INFO  program] measuring "abc" worker=measure pid=4711 task=measure
//! ```
//!
//! | key | value |
//! |---|---|
//! | `worker` | the name of the process: see [`Call::name`](crate::Call::name) and [`PoolBuilder::name`](crate::PoolBuilder::name) |
//! | `pid` | its process id |
//! | `task` | the function that it ran, which in a [`Pool`](crate::Pool) is another with each task |
//!
//! Target, level, module, file, line and key-values are those of the record. Numbers stay numbers; what
//! was captured with `Debug` or `Display` is a text.
//!
//! # Spans and events of `tracing`
//!
//! With the feature `tracing`, a layer does the same:
//!
#![cfg_attr(feature = "tracing", doc = "```standalone_crate")]
#![cfg_attr(not(feature = "tracing"), doc = "```ignore")]
//! use multiproc::worker;
//! use tracing_subscriber::prelude::*;
//!
//! #[multiproc::startup]
//! fn pass_traces_on() {
//!     tracing_subscriber::registry().with(multiproc::logging::layer()).init();
//! }
//!
//! #[worker]
//! fn measure(text: &str) -> usize {
//!     let span = tracing::info_span!("measuring", text);
//!     let _entered = span.enter();
//!     tracing::info!(length = text.len(), "done");
//!     text.len()
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! tracing_subscriber::fmt().init(); // nothing else is needed here
//! assert_eq!(measure::run("abc")?, 3);
//! # Ok(())
//! # }
//! ```
//!
//! ```text
//! 2026-05-04T10:20:30Z  INFO worker{name=measure pid=4711 task=measure}:measuring{text="abc"}: program: done length=3
//! ```
//!
//! The subscriber of the program meets real spans, with callsites and fields, so `fmt`, JSON, `EnvFilter`
//! and layers with filters of their own work as for what the program does itself. All is within a
//! span `worker`; in a pool, within another one for each function that follows. Spans are closed when
//! the worker closes them, and when its process ends, however it does.
//!
//! The subscriber is the one of the thread that starts the process, or builds the pool: the one that is set
//! for all, or that of `tracing::subscriber::with_default` in a test.
//!
//! A program may use both. A record is passed on as what it is: by `forward`, or by
//! the layer if `tracing_log` has made an event of it. `init` of `tracing_subscriber` does that unless
//! its feature `tracing-log` is off; then it is the logger, and `forward` is not called.
//!
//! # Levels
//!
//! The level of the program's logger, `log::max_level()`, and that of its subscribers,
//! `LevelFilter::current()`, go along when a process is started. What they
//! disable costs the worker a comparison, as in the program itself: neither a message nor a system call.
//! A worker of a pool has the level of the moment at which the pool started it.
//!
//! All else is decided in the program, when the record is there: `RUST_LOG=info,noisy=off` is heeded, and
//! what `noisy` logs in a worker is sent and then dropped. The same goes for events and spans.
//!
//! # What arrives
//!
//! A record is sent to the program before the logging macro returns. So what a worker logged right before it
//! crashed or was killed arrives, and so do the records of a process in their order.
//!
//! The logger or subscriber of the program is called on a thread of its own, `multiproc-logs`. It has the records of
//! a process before [`Process::join`](crate::Process::join) returns, and those of a task before
//! [`Task::wait`](crate::Task::wait) does, so a line that is written about the result comes behind them.
//! Of the tasks of a [`map`](crate::Pool::map) that holds for those that fail, and for all of them when the pool
//! is shut down or dropped. That wait has a limit of a second, after which a logger that has done nothing is
//! not waited for any more.
//!
//! # A logger that is too slow
//!
//! A worker never waits long for the logger of the program. Some hundred records of each process lie in
//! the system, and wait to be taken in. When there is no more room, a thread that logs waits up to five
//! milliseconds, but no process spends more than a tenth of its time on that in the long run. Then the record is
//! dropped, and counted. The program hears of it with the next record that gets through, and before a
//! result, from the target `multiproc::logging`:
//!
//! ```text
//! [2026-05-04T10:20:30Z WARN  multiproc::logging] 120 records of worker `measure` (pid 4711) were dropped: the logger was slower than the worker dropped=120 worker=measure pid=4711
//! ```
//!
//! A logger that panics loses that record, and goes on with the next. One that waits for ever drops all
//! further records, and stops nothing else. It may use pools and start processes: on its own thread no
//! result waits for it.
//!
//! # What does not arrive
//!
//! * What is logged before the startup function has run, by constructors for example.
//! * What a copy of the process logs that the worker has made by `fork`.
//! * What is logged after the worker has closed descriptors that are not its own, as daemons do.
//! * An event or a span for which the subscriber has no room: a span more than 10,000 that are open in one process,
//!   and fields of callsites beyond a mebibyte of descriptions.
//! * What lies behind 32 KiB of text of one record: it is cut, and says so.
//! * How many records were dropped, if the process died before it could say so.
