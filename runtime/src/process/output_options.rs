//! What a call says about the output of its process, besides where it goes.

use super::call::Call;

impl<R> Call<'_, R> {
    /// Keeps the last of what the process writes to its standard error, so many bytes of it, for
    /// [`Error::stderr_tail`](crate::Error::stderr_tail): what a C library says before it aborts, for
    /// instance. 0 keeps nothing, which is the default.
    ///
    /// All that is written to the standard error goes where it would have gone, while it is written: the
    /// parent passes it on. So the standard error of the process is a pipe, and not the terminal or the
    /// file; programs that use colors on terminals notice. The parent waits for a place that takes no more,
    /// such as a pager, and the process then waits as well. When [`join`](crate::Process::join) returns,
    /// what the process has written has arrived, unless such a place keeps it waiting for a second.
    ///
    /// What counts is what is written to the descriptor 2 that the process began with, by Rust, by C, or
    /// by processes that it started, until it has ended. What these write later is passed on, too; if they
    /// outlive the program, they get an error for it (`EPIPE`).
    ///
    /// # Errors
    ///
    /// If the standard error is a [`std::process::Stdio`], which cannot be looked into, the call is
    /// [`Unsupported`](crate::ErrorKind::Unsupported). So it is for a task of a pool: see
    /// [`PoolBuilder::stderr_tail`](crate::PoolBuilder::stderr_tail).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn give_up() {
    ///     eprintln!("decoder: unknown marker 0xd8");
    ///     std::process::abort();
    /// }
    ///
    /// # fn main() {
    /// let error = give_up::call().stderr_tail(1000).run().unwrap_err();
    /// assert_eq!(error.stderr_tail(), Some("decoder: unknown marker 0xd8\n"));
    /// # }
    /// ```
    pub fn stderr_tail(mut self, bytes: usize) -> Self {
        self.options().output.stderr_tail = (bytes > 0).then_some(bytes);
        self
    }

    /// Prints what the process writes to its standard output and its standard error through `print!` and
    /// `eprint!` of this one. A test harness captures that, as it captures what the test itself prints,
    /// and shows it if the test fails.
    ///
    /// It is printed while it arrives, by a thread that this call starts; a test harness takes that for a
    /// part of the test. When [`join`](crate::Process::join) or [`run`](Call::run) returns, all that the
    /// process has written is printed: do not hold the lock of [`std::io::stdout`] meanwhile. What
    /// processes that the worker has started write later is printed when it comes. Between the two
    /// streams, the order can differ from that in which they were written to.
    ///
    /// A stream that the call connects to something else, such as [`Stdio::null`](crate::Stdio::null), stays
    /// with that. With [`stderr_tail`](Call::stderr_tail) the last of the standard error is kept, too.
    ///
    /// # Errors
    ///
    /// A task of a pool is [`Unsupported`](crate::ErrorKind::Unsupported) with this option: its process has
    /// its streams already.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn convert(celsius: f64) -> f64 {
    ///     println!("converting {celsius}");
    ///     celsius * 9.0 / 5.0 + 32.0
    /// }
    ///
    /// // With `#[test]` before it:
    /// fn boiling_water() {
    ///     let call = convert::call(100.0).capture_output(true);
    ///     assert_eq!(call.run().unwrap(), 212.0);
    /// }
    /// # boiling_water();
    /// ```
    pub fn capture_output(mut self, captures: bool) -> Self {
        self.options().output.is_captured = captures;
        self
    }
}
