//! The constructor that users of Python's `multiprocessing` look for, which says what to write.

use std::convert::Infallible;

use super::handle::Process;

/// What a process could be made of. Nothing can: a function starts its process itself.
#[diagnostic::on_unimplemented(
    message = "a `Process` is not made of a function: the function starts it",
    label = "put `#[multiproc::worker]` above the function, and write `f::spawn(a, b)` to run `f(a, b)` in a process",
    note = "`f::spawn` returns the `Process`, which has been started; `f::call(a, b)` starts nothing yet, and has methods such as `name`",
    note = "without the attribute, `multiproc::spawn(args, f)` runs `f(args)`: `f` is a function of one parameter, or a closure that captures nothing"
)]
pub trait Target: Sized {
    /// Never called.
    fn process<A>(self, arguments: A) -> Process<Infallible>;
}

impl Process<Infallible> {
    /// Does not compile, and says what does.
    #[doc(hidden)]
    pub fn new<F: Target, A>(function: F, arguments: A) -> Process<Infallible> {
        function.process(arguments)
    }
}
