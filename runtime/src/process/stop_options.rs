//! What a call says about how its worker is stopped, and what ends with that.

use std::time::Duration;

use super::call::Call;

impl<R> Call<'_, R> {
    /// Gives the worker some time to stop when its [`timeout`](Call::timeout) is over: it is asked to
    /// at the timeout, and killed after this time.
    ///
    /// The worker is asked by [`is_cancelled`](crate::is_cancelled), which is `true` from then on. If
    /// it returns a value in time, that is the result. Otherwise, the error is
    /// [`TimedOut`](crate::ErrorKind::TimedOut); if the worker ended by itself in another way, such as
    /// a panic, the error's [source](std::error::Error::source) is what it would be without the
    /// timeout.
    ///
    /// Without a timeout it has no effect. It holds in a [`Pool`](crate::Pool), too, in the place of
    /// [`task_grace`](crate::PoolBuilder::task_grace); the function that prepares a pool's workers
    /// has no such time.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    /// use std::time::Duration;
    ///
    /// /// Returns the best solution found by then.
    /// #[worker]
    /// fn improve(mut solution: u64) -> u64 {
    ///     while !multiproc::is_cancelled() {
    ///         solution += 1;
    ///     }
    ///     solution
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let call = improve::call(7).timeout(Duration::from_millis(50)).grace(Duration::from_secs(10));
    /// assert!(call.run()? >= 7);
    /// # Ok(())
    /// # }
    /// ```
    pub fn grace(mut self, grace: Duration) -> Self {
        self.options().grace = Some(grace);
        self
    }

    /// Ends what the call has started when its handle is dropped before that has ended: a
    /// [`Process`](crate::Process) or a [`Task`](crate::Task), or the future of either. The default is
    /// `false`: it runs on.
    ///
    /// A process is killed. A task is [cancelled](crate::Task::cancel): if it is queued, it never
    /// starts; if it runs, its worker is killed and replaced. So a future that is dropped, as by a
    /// timeout or when a client has gone, takes its work with it.
    ///
    /// For a [`map`](crate::Pool::map) nothing changes: dropping one cancels what has not begun.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn search_for_ever() {
    ///     loop {
    ///         std::thread::park();
    ///     }
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
    /// let pool = Pool::builder().workers(1).build()?;
    /// let task = pool.submit(search_for_ever::call().kill_on_drop(true));
    /// assert!(tokio::time::timeout(Duration::from_millis(50), task).await.is_err());
    /// // The timeout has dropped the task, whose worker ends.
    /// while pool.active() > 0 {
    ///     tokio::task::yield_now().await;
    /// }
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn kill_on_drop(mut self, kill: bool) -> Self {
        self.options().kill_on_drop = kill;
        self
    }

    /// Lets the process go on when the user presses Ctrl-C, which a terminal tells all processes of a
    /// program (`SIGINT`). The parent decides what becomes of it:
    /// [a page of the guide](crate::guide::stopping#ctrl-c) shows how, and
    /// [`PoolBuilder::ignore_interrupts`](crate::PoolBuilder::ignore_interrupts) says the same for
    /// all processes of a pool.
    ///
    /// The process has a handler for the signal that does nothing, set before
    /// [start-up functions](macro@crate::startup) run, which can set another one. Programs that the
    /// worker executes do not inherit handlers: they end by Ctrl-C as ever, unless they are started in
    /// a [process group](std::os::unix::process::CommandExt::process_group) of their own. (An ignored
    /// signal they would ignore as well, and Ctrl-C could not end them any more when all else is
    /// gone.) A system call that the signal interrupts goes on, but for those that never do, which
    /// have a timeout mostly: see `signal(7)`. The standard library's functions go on in any case.
    ///
    /// Other signals of the terminal are not affected: Ctrl-\ (`SIGQUIT`) still ends all processes
    /// at once, which is what it is for. Neither are [`terminate`](crate::Process::terminate) and
    /// [`kill`](crate::Process::kill).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn square(x: u64) -> u64 {
    ///     // As Ctrl-C does.
    ///     let id = std::process::id().to_string();
    ///     std::process::Command::new("kill").args(["-INT", &id]).status().unwrap();
    ///     x * x
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// assert_eq!(square::call(7).ignore_interrupts().run()?, 49);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ignore_interrupts(mut self) -> Self {
        self.options().ignore_interrupts = true;
        self
    }

    /// Kills all that the worker has started when its process ends: other programs, copies made by `fork`,
    /// and what those have started, also if they have left their parent, their session and their process
    /// group as daemons do.
    ///
    /// However the process ends (its worker returns, it crashes, its time is over, it is killed, its
    /// parent dies), they are gone within a second, mostly within some milliseconds.
    /// [Joining](crate::Process::join) it waits for that.
    ///
    /// # Errors
    ///
    /// [`spawn`](Call::spawn) is [`Unsupported`](crate::ErrorKind::Unsupported) where they could not be found:
    /// without a `/proc` that shows all processes, or if the program's hard limit on file locks
    /// (`RLIMIT_LOCKS`, which otherwise has no effect) is not `unlimited`.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{ErrorKind, worker};
    /// use std::process::Command;
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn convert(program: &str) -> bool {
    ///     let status = Command::new(program).arg("1000").status();
    ///     status.is_ok_and(|status| status.success())
    /// }
    ///
    /// # fn main() {
    /// let call = convert::call("sleep").timeout(Duration::from_millis(100)).kill_descendants();
    /// assert_eq!(call.run().unwrap_err().kind(), ErrorKind::TimedOut);
    /// // Neither of the two processes is there any more.
    /// # }
    /// ```
    ///
    /// # Caveats
    ///
    /// These escape:
    ///
    /// * what another process starts that the worker only asks to: a service manager, a container engine, the
    ///   fork server of another program;
    /// * a program that acts as another user (`sudo`), unless this one is root;
    /// * a program that sets its own limit on file locks, by which descendants are known;
    /// * all of them, if the process and its parent are killed at the same moment, or the parent ends right
    ///   after the process and before it has been joined;
    /// * all of them, if the parent dies and the worker has denied itself to read `/proc`; or if the parent has
    ///   no descriptor left with which to look for them, for two seconds.
    ///
    /// A process that waits for a device ends when the device lets it.
    pub fn kill_descendants(mut self) -> Self {
        self.options().kill_descendants = true;
        self
    }
}
