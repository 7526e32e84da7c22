//! The cluster, as its submitter holds it.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use multiproc::__private::cluster as core;
use multiproc::{Call, Error, ErrorKind, Executor, IntoCall, Result};

use crate::builder::ClusterBuilder;
use crate::engine::EngineError;
use crate::map::Map;
use crate::nats::Nats;
use crate::runtime::Runtime;
use crate::server::Server;
use crate::stats::ClusterStats;
use crate::submitter::Submitter;
use crate::task::Task;

/// A connection to the machines that run [agents](crate::Agent) of this program.
///
/// It has the methods of a [`Pool`](multiproc::Pool), and is an [`Executor`] like it. A task is run by whichever
/// agent is free first; the result is the one that the worker returned, or an error that says truthfully what
/// happened to it. [`Lost`](ErrorKind::Lost) is the one that a pool does not have.
///
/// Dropping it cancels the tasks that have not ended, wherever they are.
///
/// # Examples
///
/// ```no_run
/// use multiproc::worker;
/// use multiproc_cluster::Cluster;
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let cluster = Cluster::connect("nats://queue:4222")?;
/// assert_eq!(cluster.submit(square::call(7)).wait()?, 49);
/// for square in cluster.map(square::call, 0..100) {
///     println!("{}", square?);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// * Only agents that run the same build of the program get its tasks: the same file.
/// * What a task reads beside its arguments, such as files, must be there on each machine.
/// * Handles, such as locks, channels and shared memory, mean something on one machine only: a call that holds
///   one is [`Unsupported`](ErrorKind::Unsupported), before anything is sent.
/// * A cluster belongs to the process that made it. In a copy of it made by `fork`, nothing can be submitted.
pub struct Cluster {
    pub(crate) submitter: Arc<Submitter<Nats>>,
    pub(crate) runtime: Runtime,
}

impl Cluster {
    /// Connects to a server, as [`builder`](Cluster::builder) does without any settings.
    ///
    /// # Errors
    ///
    /// As [`ClusterBuilder::connect`].
    pub fn connect(server: impl Into<Server>) -> Result<Cluster> {
        Cluster::builder(server).connect()
    }

    /// Creates a builder, to configure the connection.
    pub fn builder(server: impl Into<Server>) -> ClusterBuilder {
        ClusterBuilder::new(server.into())
    }

    /// Submits a call, to be run by the next agent that is free.
    ///
    /// Of the options of a call, those apply that apply [in a pool](multiproc::Pool::submit), but priorities.
    /// Errors of the call itself are reported by the task.
    ///
    /// Each task is several messages at the server. For very many short ones, [`map`](Cluster::map) sends several
    /// together.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use multiproc::worker;
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// # let cluster = multiproc_cluster::Cluster::connect("nats://queue:4222")?;
    /// let tasks = [3, 4].map(|x| cluster.submit(square::call(x)));
    /// let mut sum = 0;
    /// for task in tasks {
    ///     sum += task.wait()?;
    /// }
    /// assert_eq!(sum, 25);
    /// # Ok(())
    /// # }
    /// ```
    pub fn submit<R>(&self, call: Call<'_, R>) -> Task<R> {
        Task::submit(self, call)
    }

    /// Runs a worker on each input. The results come in the order of the inputs.
    ///
    /// Inputs are taken as results are asked for, and run ahead of them by a bounded number. Short calls go
    /// several together: as many as take some tens of milliseconds.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use multiproc::worker;
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// # let cluster = multiproc_cluster::Cluster::connect("nats://queue:4222")?;
    /// let squares: Vec<u64> = cluster.map(square::call, 0..4).collect::<multiproc::Result<_>>()?;
    /// assert_eq!(squares, [0, 1, 4, 9]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn map<'c, I, F, C>(&self, bind: F, inputs: I) -> Map<'_, C::Output, I::IntoIter, F>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> C,
        C: IntoCall<'c>,
    {
        Map::new(&self.submitter, inputs.into_iter(), bind, true)
    }

    /// Runs a worker on each input. The results come in the order in which they are ready.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use multiproc::worker;
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// # let cluster = multiproc_cluster::Cluster::connect("nats://queue:4222")?;
    /// for (index, square) in cluster.map_unordered(square::call, 0..100).indexed() {
    ///     println!("{index}: {}", square?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn map_unordered<'c, I, F, C>(
        &self,
        bind: F,
        inputs: I,
    ) -> Map<'_, C::Output, I::IntoIter, F>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> C,
        C: IntoCall<'c>,
    {
        Map::new(&self.submitter, inputs.into_iter(), bind, false)
    }

    /// Returns the agents of this build of the program that were heard lately, in the order of their names.
    ///
    /// They are heard every second. One that ends says so; one that is silent for eight seconds is left out.
    #[must_use]
    pub fn agents(&self) -> Vec<AgentInfo> {
        let agents = self.submitter.agents().into_iter();
        let agents = agents.map(|(status, heard)| AgentInfo {
            name: status.agent,
            host: status.host,
            process: status.process,
            workers: status.workers,
            running: status.running,
            finished: status.done,
            heard,
        });
        agents.collect()
    }

    /// Waits until agents of this build are there that have so many workers together, but not longer than
    /// `timeout`. Returns whether they are.
    ///
    /// Tasks wait for agents by themselves: this is for programs that start the agents, too.
    #[must_use]
    pub fn wait_for_workers(&self, workers: usize, timeout: Duration) -> bool {
        let begin = Instant::now();
        while self.submitter.workers() < workers {
            if begin.elapsed() >= timeout || !self.runtime.is_here() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    /// Returns what has been submitted and what has become of it.
    #[must_use]
    pub fn stats(&self) -> ClusterStats {
        self.submitter.counters.read()
    }
}

/// An agent, as it tells of itself. Returned by [`Cluster::agents`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentInfo {
    /// Its name, which no other has.
    pub name: String,
    /// The name of its machine.
    pub host: String,
    /// Its process.
    pub process: u32,
    /// The number of its workers.
    pub workers: usize,
    /// The number of messages that it runs at the moment: each is a task, or several of a map.
    pub running: usize,
    /// The number of calls that it has run.
    pub finished: u64,
    /// The last time that it was heard.
    pub heard: Instant,
}

impl Executor for Cluster {
    type Task<R> = Task<R>;

    type Map<'e, 'c, R, I, F>
        = Map<'e, R, I, F>
    where
        I: Iterator,
        F: FnMut(I::Item) -> Call<'c, R>;

    fn submit<R>(&self, call: Call<'_, R>) -> Task<R> {
        Cluster::submit(self, call)
    }

    fn map<'c, R, I, F>(&self, bind: F, inputs: I) -> Map<'_, R, I::IntoIter, F>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Call<'c, R>,
    {
        Cluster::map(self, bind, inputs)
    }

    fn map_unordered<'c, R, I, F>(&self, bind: F, inputs: I) -> Map<'_, R, I::IntoIter, F>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Call<'c, R>,
    {
        Cluster::map_unordered(self, bind, inputs)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.runtime.is_here() {
            let _ = self.runtime.run(Arc::clone(&self.submitter).close());
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// An error of the engine, for users.
pub(crate) fn not_connected(error: &EngineError) -> Error {
    core::error(ErrorKind::Spawn, None, format!("cannot connect: {error}"))
}
