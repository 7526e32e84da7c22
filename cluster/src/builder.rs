//! How to connect to a cluster.

use std::path::PathBuf;
use std::time::Duration;

use multiproc::__private::cluster as core;
use multiproc::{Error, ErrorKind, Result};

use crate::cluster::{Cluster, not_connected};
use crate::id::{RunId, is_word, unique};
use crate::nats::{self, Role, Terms};
use crate::runtime::Runtime;
use crate::server::Server;
use crate::submitter::{Limits, Submitter};
use crate::trace::Trace;

/// Configures a [`Cluster`]. Returned by [`Cluster::builder`].
///
/// # Examples
///
/// ```no_run
/// use multiproc_cluster::{Cluster, Server};
/// use std::time::Duration;
///
/// let server = Server::new("tls://queue:4222").password("alice", "secret").owner("alice");
/// let cluster = Cluster::builder(server)
///     .replicas(3)
///     .agent_timeout(Duration::from_secs(120))
///     .connect()?;
/// # Ok::<(), multiproc::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until it connects"]
pub struct ClusterBuilder {
    server: Server,
    terms: Terms,
    limits: Limits,
    connect_timeout: Duration,
    trace: Option<PathBuf>,
}

impl ClusterBuilder {
    pub(crate) fn new(server: Server) -> ClusterBuilder {
        ClusterBuilder {
            server,
            terms: Terms::default(),
            limits: Limits {
                server: Duration::from_mins(1),
                agent: Duration::from_mins(1),
                queue: None,
            },
            connect_timeout: Duration::from_secs(10),
            trace: None,
        }
    }

    /// The time to try to connect; 10 seconds by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The time for which the server may be away; 60 seconds by default.
    ///
    /// When it is back in time, all goes on. If not, tasks that were submitted before end with the error
    /// [`Lost`](ErrorKind::Lost), those that it never had with [`Spawn`](ErrorKind::Spawn).
    pub fn server_timeout(mut self, timeout: Duration) -> Self {
        self.limits.server = timeout;
        self
    }

    /// The time for which there may be no agent that runs this build of the program; 60 seconds by default.
    ///
    /// After that, tasks that no agent has begun end with the error [`Spawn`](ErrorKind::Spawn), others with
    /// [`Lost`](ErrorKind::Lost).
    pub fn agent_timeout(mut self, timeout: Duration) -> Self {
        self.limits.agent = timeout;
        self
    }

    /// Limits how many calls may be open, that is submitted and not ended: [`Cluster::submit`] waits until there
    /// is room. Maps limit themselves.
    pub fn queue_limit(mut self, calls: usize) -> Self {
        self.limits.queue = Some(calls);
        self
    }

    /// The number of servers of a cluster of NATS that keep each task and result, 1 to 5; 1 by default.
    ///
    /// This and the settings below count when nothing of this [prefix](Server::prefix) is at the server yet.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.terms.replicas = replicas;
        self
    }

    /// The bytes of tasks that the server keeps, and as many of results; as many as it has room for by default.
    /// While there is no room, what is submitted waits here.
    pub fn server_bytes(mut self, bytes: u64) -> Self {
        self.terms.bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self
    }

    /// The longest time for which the server keeps a task that is not run, or a result that is not taken; a day by
    /// default. A task that runs may take longer.
    pub fn task_age(mut self, age: Duration) -> Self {
        self.terms.task_age = age;
        self
    }

    /// Writes a file that shows which worker of which agent ran which task when: a Chrome trace, for
    /// <https://ui.perfetto.dev> or `chrome://tracing`.
    ///
    /// Each agent is a group of rows, with its name, which begins with that of its machine; each of its workers is
    /// a row. Arrows lead from where tasks were submitted. Tasks that were not answered, because they were lost or
    /// cancelled, or because their worker died, are not shown.
    ///
    /// Clocks of machines differ. How much is estimated from the messages of each agent: what it did is shown too
    /// late by the time that the fastest of them was under way, half a round trip, and never before its task was
    /// submitted or after its result arrived.
    ///
    /// The file grows while the cluster is used, and can be viewed at any time. If it cannot be written any more,
    /// as on a full disk, the cluster goes on without. For what happens within one agent there is
    /// [`PoolBuilder::trace`](multiproc::PoolBuilder::trace) of its [pool](crate::Agent::pool).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use multiproc_cluster::Cluster;
    /// let cluster = Cluster::builder("nats://queue:4222").trace("run.json").connect()?;
    /// # Ok::<(), multiproc::Error>(())
    /// ```
    pub fn trace(mut self, path: impl Into<PathBuf>) -> Self {
        self.trace = Some(path.into());
        self
    }

    /// Connects, and makes at the server what is not there yet.
    ///
    /// # Errors
    ///
    /// * [`Spawn`](ErrorKind::Spawn): the server does not answer in time, refuses the user, is too old, or
    ///   JetStream is not enabled there, or the trace file cannot be created: the text says which.
    /// * [`Unsupported`](ErrorKind::Unsupported): a name that the [`Server`] was given has other characters than
    ///   letters, digits, `-` and `_`; or it cannot be told which build of the program this is.
    pub fn connect(self) -> Result<Cluster> {
        let ClusterBuilder {
            server,
            terms,
            limits,
            connect_timeout,
            trace,
        } = self;
        let build = check(&server)?;
        let trace = trace.map(|path| {
            Trace::create(&path).map_err(|error| {
                let text = format!("cannot write the trace {}: {error}", path.display());
                core::error(ErrorKind::Spawn, None, text)
            })
        });
        let trace = trace.transpose()?;
        let runtime = Runtime::start()?;
        let role = Role::Submitter(terms);
        let run = RunId::new(&server.owner, &unique());
        let connected = runtime.run(async move {
            let name = format!("multiproc submitter {}", std::process::id());
            let engine = nats::connect(&server, &name, &build, role, connect_timeout).await?;
            Submitter::start(engine, run, limits, trace).await
        });
        match connected {
            Some(Ok(submitter)) => Ok(Cluster { submitter, runtime }),
            Some(Err(error)) => Err(not_connected(&error)),
            None => Err(not_here()),
        }
    }
}

/// Sees that names can be parts of subjects, and gives the build.
pub(crate) fn check(server: &Server) -> Result<String> {
    let names = [
        ("prefix", server.prefix.as_str()),
        ("owner", &server.owner),
        ("name of the inbox", server.inbox()),
    ];
    for (what, name) in names {
        if !is_word(name) {
            let text = format!(
                "the {what} {name:?} cannot be used: it may have letters, digits, `-` and `_` only"
            );
            return Err(core::error(ErrorKind::Unsupported, None, text));
        }
    }
    core::build().ok_or_else(|| {
        let text = "it cannot be told which build of the program this is".to_owned();
        core::error(ErrorKind::Unsupported, None, text)
    })
}

/// The thread of the cluster is not there, as in a copy of the process.
pub(crate) fn not_here() -> Error {
    let text = "the cluster belongs to another process".to_owned();
    core::error(ErrorKind::Unsupported, None, text)
}
