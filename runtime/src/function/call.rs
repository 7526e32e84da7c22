use std::panic::Location;

use super::entry;
use super::refusal::refusal;
use crate::error::Result;
use crate::payload::Payload;
use crate::process::{Call, Process, bind};

/// Binds a closure or function to its arguments, and starts nothing yet.
///
/// A closure is to a [`worker`](macro@crate::worker) what it is to a function: it has no name, and stands
/// where it is used. It is called with one value: give several in a tuple, none as `()`. It captures
/// nothing, and the compiler says so if it does; what it needs is an argument. The page
/// [closures](crate::guide::closures) tells more.
///
/// What it takes and returns is [`Payload`], as with workers. The [`Call`] can be configured, started,
/// and [submitted](crate::Pool::submit) to a pool.
///
/// # Examples
///
/// ```
/// use multiproc::Pool;
/// use std::time::Duration;
///
/// # fn main() -> multiproc::Result<()> {
/// let words = vec!["no".to_owned(), "one".to_owned()];
/// let call = multiproc::call((words, 2), |(words, shortest)| {
///     words.iter().filter(|word| word.len() > shortest).count()
/// });
/// assert_eq!(call.timeout(Duration::from_secs(10)).run()?, 1);
///
/// let pool = Pool::builder().workers(2).build()?;
/// let squares = pool.map(|x| multiproc::call(x, |x| x * x), 0..4);
/// assert_eq!(squares.collect::<multiproc::Result<Vec<u64>>>()?, [0, 1, 4, 9]);
///
/// // A function, too, even one that is chosen at run time.
/// let functions: [fn(f64) -> f64; 2] = [f64::sqrt, f64::cbrt];
/// assert_eq!(multiproc::call(27.0, functions[1]).run()?, 3.0);
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// * Errors, [`Error::worker`](crate::Error::worker) among them, name the function after the place of
///   this call: `function at src/main.rs:12:5`. The process has the name `main.rs:12`, unless the call
///   gives it [another](Call::name).
/// * A function that is not the program's own, but of a library that was loaded, cannot run in a process:
///   starting the call is [`Unsupported`](crate::ErrorKind::Unsupported).
/// * serde takes some types of std that mean something in one process only: [`Mutex`](std::sync::Mutex),
///   [`RwLock`](std::sync::RwLock), atomics, [`Cell`](std::cell::Cell) and
///   [`RefCell`](std::cell::RefCell), of which it makes copies. A call whose argument or result is of one,
///   alone or in a `Vec`, an `Arc` and the like, is `Unsupported`, too. (As those of a worker, they are
///   compile errors.)
/// * Another build of the program has other functions. A process always runs the same build as the one
///   that starts it, also if the file has been replaced meanwhile.
// rustc shows the line with the name when a closure captures something, or the arguments are missing: hence what
// stands there.
#[rustfmt::skip]
#[track_caller]
pub fn call<A: Payload, R: Payload>( // `call(args, |args| ..)`: the closure captures nothing, pass what it needs in `args`
    args: A,
    function: fn(A) -> R,
) -> Call<'static, R> {
    let entry = entry::entry::<A, R>(Location::caller());
    let arguments = [entry::argument(function), A::owned().own(args)];
    let call = bind(entry, arguments, R::result());
    if !entry::is_found(function) {
        return call.of_a_library();
    }
    match refusal::<A, R>() {
        Some(reason) => call.impossible(reason),
        None => call,
    }
}

/// Starts a process that calls a closure or function.
///
/// It is [`call`] and [`Call::spawn`].
///
/// # Errors
///
/// As [`Call::spawn`].
///
/// # Examples
///
/// ```
/// # fn main() -> multiproc::Result<()> {
/// let process = multiproc::spawn(vec![3, 4], |numbers: Vec<u32>| numbers.iter().sum::<u32>());
/// assert_eq!(process?.join()?, 7);
/// # Ok(())
/// # }
/// ```
///
/// [`std::thread::spawn`] takes a closure that captures what it needs. Here, it is an argument:
///
/// ```
/// # fn main() -> multiproc::Result<()> {
/// let name = String::from("Alice");
/// let process = multiproc::spawn(name, |name| println!("Hello, {name}!"))?;
/// process.join()
/// # }
/// ```
#[rustfmt::skip]
#[track_caller]
pub fn spawn<A: Payload, R: Payload>( // `spawn(args, |args| ..)`: the closure captures nothing, pass what it needs in `args`
    args: A,
    function: fn(A) -> R,
) -> Result<Process<R>> {
    call(args, function).spawn()
}

/// Calls a closure or function in a process of its own, and waits for its result.
///
/// It is [`call`] and [`Call::run`].
///
/// # Errors
///
/// As [`Call::run`].
///
/// # Examples
///
/// ```
/// use multiproc::ErrorKind;
///
/// # fn main() -> multiproc::Result<()> {
/// assert_eq!(multiproc::run(7, |x| x + 1)?, 8);
///
/// let error = multiproc::run(7, |x| if x > 3 { std::process::abort() }).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Signaled);
/// # Ok(())
/// # }
/// ```
#[rustfmt::skip]
#[track_caller]
pub fn run<A: Payload, R: Payload>( // `run(args, |args| ..)`: the closure captures nothing, pass what it needs in `args`
    args: A,
    function: fn(A) -> R,
) -> Result<R> {
    call(args, function).run()
}
