//! Processes or threads: what each is good for, and what processes cost.
//!
//! # Which to choose
//!
//! | what you have | what to choose |
//! |---|---|
//! | a computation, to be spread over all cores | threads: rayon, [`std::thread::scope`] |
//! | many connections that mostly wait | async, or threads |
//! | data with pointers in it, which all threads work on in place | threads |
//! | steps that are shorter than a message between processes | threads |
//! | closures that capture what they work on | threads |
//! | a program that also runs on other systems | threads |
//! | **code that crashes**: C libraries, codecs, `unsafe` | a process for each input, or a [`Pool`](crate::Pool) |
//! | **code that may not end**: searches, untrusted regular expressions, solvers | a process with a [`timeout`](crate::Call::timeout) |
//! | **code that leaks or takes too much** | a process with a [`memory_limit`](crate::Call::memory_limit), a pool with [`max_memory_per_worker`](crate::PoolBuilder::max_memory_per_worker) |
//! | **code that is not thread-safe**, or has one global state | a process for each instance: a worker of a pool, or a [service](super::objects) |
//! | **untrusted data** | a process that gives up its rights [before](crate::Call::before_worker) it sees the data |
//! | **code that may abort**: `panic = "abort"`, asserts of C, stack overflows | a process |
//! | **a part of the program with other rights, limits, priority, CPUs, directory or environment** | a process: [`Call`](crate::Call) has methods for all of them |
//! | another program | [`std::process::Command`] |
//!
//! Threads share everything, so one of them can ruin everything: memory, locks, the allocator,
//! the whole process. Processes share only what they were given. That is their purpose, and their
//! price.
//!
//! # What processes cost
//!
//! | | threads | processes |
//! |---|---|---|
//! | to start one | little | more: the kernel copies a small address space, or executes the program again. See [`StartMethod`](crate::StartMethod) |
//! | to have one | a stack | its own allocator, stacks, page tables. The program's code is shared. In the parent, a few descriptors for each that runs |
//! | to hand over a task | a queue in memory | a message each way, and waking a process; short tasks of [`Pool::map`](crate::Pool::map) go together |
//! | to hand over data | a pointer | a copy; none with [`Shared`](crate::shm::Shared) and [`Buffer`](crate::shm::Buffer); one for each process with [`Frozen`](crate::shm::Frozen) |
//! | a lock that is free | a few instructions | as many, or nearly |
//! | a lock that is contended | a system call | the same |
//! | a cache, a pool of connections, a model | one for all | one for each process; a [`Frozen`](crate::shm::Frozen) value is made once and decoded in each; one for all in [`shm`](crate::shm) if it has no pointers |
//! | to stop one | it has to cooperate | [`kill`](crate::Process::kill) |
//! | to debug it | one process to look at | several |
//!
//! So the question is how long a task takes compared with a message: a file is a good task, a line
//! of it is not. In figures:
//!
//! | | this library | for comparison |
//! |---|---|---|
//! | to start a worker, to its first line | 297 µs | a program (`true`): 507 µs; a thread: 13 µs |
//! | to start a trivial worker and to join it | 600 µs; by [`Spawn`](crate::StartMethod::Spawn) 1.43 ms | a program: 530 µs; a thread: 38 µs |
//! | memory that each of 32 idle processes adds | 111 KiB | a program: 140 KiB |
//! | a task of a pool, there and back | 12 µs | a byte to a process and back: 9 µs |
//! | a task among 100,000 that are submitted one by one | 0.92 µs | Python's `ProcessPoolExecutor`: 70 µs |
//! | a tiny task among a million of a `map` | 42 ns | Python's `Pool.map`: 96 ns; rayon: less than 1 ns |
//! | a small request to a service, there and back | 9 µs | Python's `Manager`: 50 µs |
//! | a worker with an argument of 64 MiB | 23 ms; by `Shared` 0.8 ms | copying it into new memory: 29 ms |
//! | an item of 16 bytes through a `Queue` | 165 ns | a bare socket: 0.77 µs |
//! | a lock that is free, taken and given back | 12 ns | [`std::sync::Mutex`]: 10 ns |
//!
//! A trivial worker, from its start until it is joined; the bare fork server does nothing but fork, and is the least
//! that this can take:
//!
#![doc = include_str!("pictures/spawn.svg")]
//!
//! A worker with an argument of 64 MiB:
//!
#![doc = include_str!("pictures/arguments.svg")]
//!
//! (Bars end at the median, thin lines go from the tenth to the ninetieth of a hundred samples. The scale is
//! logarithmic where values are far apart.)
//!
//! These are medians of 2026-11-27, on two cores of a virtual machine (AMD EPYC, Linux 6.18), from
//! `benches/results/2026-11-27.md` in the repository, which has the spread and many more figures.
//! Yours will differ; `cargo run --release -p multiproc-benches` there tells you by how much.
//!
//! # A process for each task, or a pool
//!
//! | | `f::spawn` | [`Pool`](crate::Pool) |
//! |---|---|---|
//! | each task begins in a clean process | yes | only with [`max_tasks_per_worker(1)`](crate::PoolBuilder::max_tasks_per_worker) |
//! | environment, limits | of each call | of the pool |
//! | standard streams | of each call | the program's |
//! | data that takes long to load | is loaded each time | is loaded [once for each process](crate::PoolBuilder::initializer), or once in a [service](super::objects) |
//! | number that run at a time | as many as were started | as many as it has workers |
//! | many short tasks | a process each | a message each, or less |
//!
//! # Both
//!
//! A worker may have threads, and a program with threads may start workers from any of them. There
//! are two things to consider:
//!
//! * A pool has as many workers as there are CPUs. If each of them uses all CPUs (rayon, BLAS,
//!   OpenMP), there are as many threads as the square of that. Give the pool fewer
//!   [`workers`](crate::PoolBuilder::workers), or the workers fewer threads: for example by
//!   [`env("RAYON_NUM_THREADS", "1")`](crate::Call::env) in the call of the pool's
//!   [`initializer`](crate::PoolBuilder::initializer).
//! * The process ends when the worker returns. Threads that are still running end with it, in the
//!   middle of their work.
//!
//! ```
//! use multiproc::worker;
//! use std::thread;
//!
//! /// A process for the crash that may come, and threads in it for the speed.
//! #[worker]
//! fn sum(numbers: &[u64]) -> u64 {
//!     let (left, right) = numbers.split_at(numbers.len() / 2);
//!     thread::scope(|scope| {
//!         let left = scope.spawn(|| left.iter().sum::<u64>());
//!         let right = scope.spawn(|| right.iter().sum::<u64>());
//!         left.join().unwrap() + right.join().unwrap()
//!     })
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! assert_eq!(sum::run(&[1, 2, 3, 4])?, 10);
//! # Ok(())
//! # }
//! ```
