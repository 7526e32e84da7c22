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
//! The argument and the result are [`Payload`](crate::Payload), by value: `String::from("text")` and not
//! `"text"`, of which the compiler says that an implementation of `Deserialize` is not general enough. To send
//! a large value without giving it up, write a [`worker`](macro@crate::worker), which takes references.
//! Handles are arguments as any other:
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
//! # Functions as values
//!
//! A [`Function`] is a function that can be sent, as an argument, a result, an item of a channel, or a field of
//! any of these. Functions of different origin have one type, if they take and return the same.
//!
//! ```
//! use multiproc::Function;
//! use std::collections::HashMap;
//!
//! # fn main() -> multiproc::Result<()> {
//! let filters = HashMap::from([
//!     ("short", Function::new(|word: String| word.len() < 4)),
//!     ("upper", Function::new(|word: String| word.chars().all(char::is_uppercase))),
//! ]);
//! let chosen = filters["short"];
//! let words = vec!["one".to_owned(), "three".to_owned()];
//! let count = multiproc::run((words, chosen), |(words, filter)| {
//!     words.into_iter().filter(|word| filter.call(word.clone())).count()
//! })?;
//! assert_eq!(count, 1);
//!
//! assert_eq!(chosen.call("four".to_owned()), false); // here
//! assert_eq!(chosen.bind("five".to_owned()).run()?, false); // in a process of its own
//! # Ok(())
//! # }
//! ```
//!
//! # Calls as data
//!
//! [`Call::portable`] makes data of a call, of a worker's as well as of a closure's. Such a [`PortableCall`] can
//! be sent to another process and started there, for example by a worker that has a pool of its own; and it
//! can be stored. It needs the same build of the program, and is an error in another.
//!
//! ```
//! use multiproc::PortableCall;
//!
//! # fn main() -> multiproc::Result<()> {
//! let calls = vec![
//!     multiproc::call(7, |x| x + 1).portable()?,
//!     multiproc::call(9_u64, u64::isqrt).portable()?,
//! ];
//! let sum = multiproc::run(calls, |calls: Vec<PortableCall<u64>>| -> u64 {
//!     let processes: Vec<_> = calls.into_iter().map(|call| call.call().spawn().unwrap()).collect();
//!     processes.into_iter().map(|process| process.join().unwrap()).sum()
//! })?;
//! assert_eq!(sum, 11);
//! # Ok(())
//! # }
//! ```
//!
//! What is no data cannot go along: a call whose arguments hold a lock, a channel or an open file is
//! [`Unsupported`](crate::ErrorKind::Unsupported) as a portable one.
//!
//! # A closure or a worker?
//!
//! | | closure | [`worker`](macro@crate::worker) |
//! |---|---|---|
//! | arguments | one, by value | several, by value or reference |
//! | name, in errors and tools | the place of the call: `function at src/main.rs:12:5` | that of the function |
//! | options | methods of the [`Call`] | these, and defaults in the attribute |
//! | `async` | it calls what runs a future | `runtime = ..` |
//! | types such as [`std::sync::Mutex`], which mean something in one process only | refused when the call is started | refused by the compiler |
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
//! | Python's `lambda x: ..`, which cannot be pickled | a closure that captures nothing, or a [`Function`] of one |
//! | Python's `functools.partial(f, x)` | a [`Call`], or as data a [`PortableCall`] |
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
//! # What is trusted
//!
//! A process does what its parent says: which function it calls is part of that. A [`Function`] is opaque to
//! serde. It is read from messages of this program's processes only, and only as one of its own type, so
//! safe code cannot make one of other bytes. A [`PortableCall`] is data, and data can be written by anyone. It
//! is refused if it is of another build, or was damaged on its way. But who has the program can make one up
//! that calls any of the program's code: take a `PortableCall` only from where you would take a program
//! from.
//!
//! [`Call`]: crate::Call
//! [`Call::portable`]: crate::Call::portable
//! [`Function`]: crate::Function
//! [`PortableCall`]: crate::PortableCall
//! [`Pool`]: crate::Pool
