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
        self.options().stderr_tail = (bytes > 0).then_some(bytes);
        self
    }
}
