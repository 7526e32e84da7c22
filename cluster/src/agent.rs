//! The agent, as users hold it.

use std::fmt;
use std::time::Duration;

use multiproc::__private::cluster as core;
use multiproc::{ErrorKind, Pool, PoolBuilder, Result};
use tokio::sync::watch;

use crate::builder::{check, not_here};
use crate::cluster::not_connected;
use crate::id::unique;
use crate::nats::{self, Nats, Role};
use crate::runner::Runner;
use crate::runtime::Runtime;
use crate::server::Server;
use crate::status_line::StatusLine;

/// Runs the tasks of [clusters](crate::Cluster) on this machine, in the processes of a [`Pool`].
///
/// It belongs into the same program as the cluster: only an agent of the same build gets the tasks. It asks for
/// as many tasks as it has workers that are free, and no more.
///
/// # Examples
///
/// ```no_run
/// use multiproc_cluster::Agent;
///
/// # fn main() -> multiproc::Result<()> {
/// Agent::connect("nats://queue:4222")?.workers(16).run()?;
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// * A user who may submit tasks runs code on the machines of agents, with the rights that these have.
/// * While the server is away, what runs goes on, and its results wait. An agent whose server never comes back
///   tries for ever, until it is [stopped](AgentStop::stop).
#[must_use = "an agent does nothing until it runs"]
pub struct Agent {
    runtime: Runtime,
    engine: Nats,
    pool: PoolBuilder,
    workers: Option<usize>,
    submitter_timeout: Duration,
    on_status: Option<OnStatus>,
    stop: watch::Sender<bool>,
}

pub(crate) type OnStatus = Box<dyn FnMut(&AgentStatus) + Send>;

/// The work of an agent; `Display` is one line. See [`Agent::show_status`] and [`Agent::on_status`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentStatus {
    /// Its name, which no other has.
    pub name: String,
    /// The number of its workers.
    pub workers: usize,
    /// The number of messages that it runs: each is a task, or several of a map.
    pub running: usize,
    /// The number of calls that it has run.
    pub finished: u64,
    /// `true` while it is connected to the server.
    pub is_connected: bool,
    /// `true` when it begins nothing more.
    pub is_stopping: bool,
    /// Why it gets no tasks although it is connected: what it tries again and again.
    pub trouble: Option<String>,
}

/// Stops an [`Agent`], from any thread. Returned by [`Agent::stopper`].
#[derive(Debug, Clone)]
pub struct AgentStop(watch::Sender<bool>);

impl Agent {
    /// Connects to a server.
    ///
    /// # Errors
    ///
    /// As [`ClusterBuilder::connect`](crate::ClusterBuilder::connect).
    pub fn connect(server: impl Into<Server>) -> Result<Agent> {
        let server = server.into();
        let build = check(&server)?;
        let runtime = Runtime::start()?;
        let connected = runtime.run(async move {
            let name = format!("multiproc agent {}", std::process::id());
            let limit = Duration::from_secs(10);
            nats::connect(&server, &name, &build, Role::Agent, limit).await
        });
        let engine = match connected {
            Some(Ok(engine)) => engine,
            Some(Err(error)) => return Err(not_connected(&error)),
            None => return Err(not_here()),
        };
        Ok(Agent {
            runtime,
            engine,
            pool: Pool::builder(),
            workers: None,
            submitter_timeout: Duration::from_secs(30),
            on_status: None,
            stop: watch::Sender::new(false),
        })
    }

    /// Runs so many tasks at a time; as many as there are CPUs by default.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Configures the pool that runs the tasks: its limits of memory and time, its initializer, its environment,
    /// its trace. Its limits of queues are not used.
    pub fn pool(mut self, pool: PoolBuilder) -> Self {
        self.pool = pool;
        self
    }

    /// Gives up the tasks of a submitter that is not heard for this time: those that have not begun do not
    /// begin, and those that run are killed. 30 seconds by default.
    pub fn submitter_timeout(mut self, timeout: Duration) -> Self {
        self.submitter_timeout = timeout;
        self
    }

    /// Shows what the agent is doing as a line on the standard error.
    ///
    /// On a terminal it is one line, no longer than the terminal is wide, which is written anew every second.
    /// Elsewhere it is a line when the agent begins, when it loses the server or has it back, and when it stops;
    /// that numbers have changed is a line once a minute. It replaces what [`on_status`](Agent::on_status) was
    /// given.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use multiproc_cluster::Agent;
    /// # fn main() -> multiproc::Result<()> {
    /// Agent::connect("nats://queue:4222")?.show_status().run()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn show_status(self) -> Self {
        let mut line = StatusLine::new();
        self.on_status(move |status| line.show(status))
    }

    /// Calls a function every second with what the agent is doing, and a last time when it has ended.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use multiproc_cluster::Agent;
    /// let agent = Agent::connect("nats://queue:4222")?;
    /// agent.on_status(|status| println!("{} calls were run", status.finished)).run()?;
    /// # Ok::<(), multiproc::Error>(())
    /// ```
    pub fn on_status(mut self, show: impl FnMut(&AgentStatus) + Send + 'static) -> Self {
        self.on_status = Some(Box::new(show));
        self
    }

    /// Returns what stops it, from another thread or a handler of signals.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use multiproc_cluster::Agent;
    /// let agent = Agent::connect("nats://queue:4222")?;
    /// let stopper = agent.stopper();
    /// std::thread::spawn(move || {
    ///     std::thread::sleep(std::time::Duration::from_secs(3600));
    ///     stopper.stop();
    /// });
    /// agent.run()?;
    /// # Ok::<(), multiproc::Error>(())
    /// ```
    #[must_use]
    pub fn stopper(&self) -> AgentStop {
        AgentStop(self.stop.clone())
    }

    /// Runs tasks until it is [stopped](AgentStop::stop).
    ///
    /// # Errors
    ///
    /// The pool cannot be made: see [`PoolBuilder::build`].
    pub fn run(self) -> Result<()> {
        let Agent {
            runtime,
            engine,
            pool,
            workers,
            submitter_timeout,
            on_status,
            stop,
        } = self;
        let pool = match workers {
            Some(workers) => pool.workers(workers),
            None => pool,
        };
        let pool = pool.build()?;
        let host = host();
        let unique = unique();
        let name = format!("{host}-{}-{}", std::process::id(), &unique[..8]);
        let stopped = stop.subscribe();
        let served = runtime.run(async move {
            let runner = Runner::new(engine, pool, name, host, submitter_timeout);
            runner.serve(stopped, on_status).await
        });
        match served {
            Some(pool) => match pool {
                Some(pool) => pool.shutdown(),
                None => Ok(()),
            },
            None => {
                let text = "the agent has ended because of a panic".to_owned();
                Err(core::error(ErrorKind::Closed, None, text))
            }
        }
    }
}

impl AgentStop {
    /// Has the agent begin nothing more, and return from [`Agent::run`] when what it runs has ended. What it was
    /// sent and has not begun, others get.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// The name of this machine, as far as it can be a part of a subject.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let name: String = name.unwrap_or_default().trim().chars().take(40).collect();
    let name = name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "-");
    if name.is_empty() {
        "host".to_owned()
    } else {
        name
    }
}

impl fmt::Display for AgentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AgentStatus {
            name,
            workers,
            running,
            finished,
            ..
        } = self;
        write!(
            f,
            "{name}: {running} running on {workers} workers, {finished} finished"
        )?;
        if !self.is_connected {
            f.write_str(", the server is away")?;
        }
        if self.is_stopping {
            f.write_str(", stopping")?;
        }
        if let Some(trouble) = &self.trouble {
            write!(f, ", waits: {trouble}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}
