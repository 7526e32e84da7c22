//! Closures in processes.
//!
//! [`multiproc::spawn`](crate::spawn) calls a closure in a process, as [`std::thread::spawn`] does in a
//! thread; [`run`](crate::run) also waits for its result, and [`call`](crate::call) returns a [`Call`],
//! which takes options and can be submitted to a [`Pool`].
//!
//! ```
//! use multiproc::Pool;
//! use std::time::Duration;
//!
//! # fn main() -> multiproc::Result<()> {
//! let process = multiproc::spawn(7, |x| x * x)?;
//! assert_eq!(process.join()?, 49);
//!
//! assert_eq!(multiproc::run((3, 4), |(a, b)| a + b)?, 7);
//!
//! let call = multiproc::call((), |()| std::env::var("LANG").ok());
//! assert_eq!(call.env("LANG", "eo").timeout(Duration::from_secs(10)).run()?.as_deref(), Some("eo"));
//!
//! let pool = Pool::builder().workers(2).build()?;
//! let task = pool.submit(multiproc::call(7, |x| x + 1));
//! let squares = pool.map(|x| multiproc::call(x, |x| x * x), 0..10);
//! assert_eq!(squares.sum::<multiproc::Result<u64>>()?, 285);
//! assert_eq!(task.wait()?, 8);
//! # Ok(())
//! # }
//! ```
//!
//! # A closure captures nothing
//!
//! A closure that captures a variable holds its value, or a reference to it, in this process's memory,
//! and there is no way to write what is in a closure down and to read it back. So the closure captures
//! nothing, and is given what it needs as its argument: one value, which can be a tuple or a struct.
//!
//! ```compile_fail,E0308
//! let offset = 3;
//! multiproc::run(7, |x| x + offset); // the compiler points at `offset`
//! ```
//!
//! ```
//! # fn main() -> multiproc::Result<()> {
//! let offset = 3;
//! assert_eq!(multiproc::run((7, offset), |(x, offset)| x + offset)?, 10);
//! # Ok(())
//! # }
//! ```
//!
//! What is inside of the closure runs in the other process: constants and functions of the program are
//! there, too. A `static` is there with the value that it has at the start of the program.
//!
//! The argument and the result are [`Payload`](crate::Payload), by value. To send a large value without
//! giving it up, write a [`worker`](macro@crate::worker), which takes references. Handles are arguments as
//! any other:
//!
//! ```
//! use multiproc::channel::channel;
//! use multiproc::sync::Mutex;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let total = Mutex::new(0_u64)?;
//! let (sender, receiver) = channel()?;
//! let process = multiproc::spawn((total.clone(), sender), |(total, sender)| {
//!     *total.lock().unwrap() += 1;
//!     sender.send("done".to_owned()).unwrap();
//! })?;
//! assert_eq!(receiver.recv()?, "done");
//! process.join()?;
//! assert_eq!(*total.lock().unwrap(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! # A closure or a worker?
//!
//! | | closure | [`worker`](macro@crate::worker) |
//! |---|---|---|
//! | arguments | one, by value | several, by value or reference |
//! | name, in errors and tools | the place of the call: `function at src/main.rs:12:5` | that of the function |
//! | options | methods of the [`Call`] | these, and defaults in the attribute |
//! | `async` | it calls what runs a future | `runtime = ..` |
//! | types such as [`std::sync::Mutex`], which mean something in one process only | what serde takes is copied | refused |
//!
//! Both are the same to all that takes a [`Call`].
//!
//! # For users of other libraries
//!
//! | there | here |
//! |---|---|
//! | `std::thread::spawn(move \|\| f(x))` | `multiproc::spawn(x, \|x\| f(x))?` |
//! | `procspawn::spawn(args, \|args\| ..)` | `multiproc::spawn(args, \|args\| ..)?`; there is no `init` to call |
//! | `procspawn::Pool::spawn(&pool, args, \|args\| ..)` | `pool.submit(multiproc::call(args, \|args\| ..))` |
//! | Python's `Process(target=f, args=(x,))` | `multiproc::spawn(x, f)?` |
//! | Python's `executor.submit(f, x)` | `pool.submit(multiproc::call(x, f))` |
//! | Python's `lambda x: ..`, which cannot be pickled | a closure that captures nothing |
//!
//! # How the other process finds it
//!
//! Both processes run the same file, so a function has the same distance from the beginning of the program
//! in each of them. That is what is sent, and the code for the types of argument and result is named in the
//! same way, as that of a generic worker is. Nothing has to be registered. Two functions that the
//! compiler or the linker has merged into one, because they have the same instructions, do the same.
//!
//! A function of a library that was loaded has no place in the program: to start such a call is
//! [`Unsupported`](crate::ErrorKind::Unsupported).
//!
//! [`Call`]: crate::Call
//! [`Pool`]: crate::Pool
