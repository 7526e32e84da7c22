//! More than one machine: when to, what is promised, and what an operator runs. A page to read; no code.
//!
//! # When to, and when not
//!
//! A [`Pool`](multiproc::Pool) uses all of one machine. Take a [`Cluster`](crate::Cluster) when that is not
//! enough: when tasks take seconds or minutes and there are many of them, when they need memory that one machine
//! does not have, or when they must go on although a machine fails.
//!
//! Do not take it for tasks that are shorter than 5 ms. A call that is submitted and waited for, while no other is
//! open, takes 0.2 milliseconds, as long as a message and its answer take through the same streams without this
//! crate, and many times as long as in a pool: it goes straight to the agent that ran the last one, if that was
//! short. Beside others it goes through the queue. That costs three messages that the server keeps, and twice the
//! time. The example `figures` measures both. [`map`](crate::Cluster::map) sends short calls in groups that take
//! 40 ms, but each argument and each result still crosses the network twice. If a pool does it in a minute, let it.
//!
//! It is no place for data, either: arguments and results go through the server's disk. Pass names of files that
//! all machines see, or keys of an object store, when they are longer than some megabytes.
//!
//! There are no priorities, no shares between users, no tasks that wait for others, no choice of machines: run
//! agents with another [prefix](crate::Server::prefix) for another kind of work.
//!
//! # Changing a program
//!
//! Workers stay as they are. A `Pool` becomes a `Cluster`, and the program gets a way to be an
//! [`Agent`](crate::Agent):
//!
//! ```no_run
//! # use multiproc::worker;
//! # use multiproc_cluster::{Agent, Cluster};
//! # #[worker]
//! # fn make_thumbnail(path: &str) -> usize { path.len() }
//! # fn main() -> multiproc::Result<()> {
//! let url = "nats://queue:4222";
//! if std::env::args().nth(1).as_deref() == Some("agent") {
//!     return Agent::connect(url)?.workers(16).run();
//! }
//! // let pool = Pool::new()?;
//! let pool = Cluster::connect(url)?;
//! for thumbnail in pool.map(|path| make_thumbnail::call(path), ["a.png", "b.png"]) {
//!     thumbnail?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Code that is generic over [`Executor`](multiproc::Executor) takes either. What differs:
//!
//! * Files that a task reads must be there on each machine.
//! * Locks, channels, shared memory and open files cannot be arguments: such a call is
//!   [`Unsupported`](multiproc::ErrorKind::Unsupported).
//! * There is an error more, [`Lost`](multiproc::ErrorKind::Lost): the task may have run, and how it ended
//!   cannot be known. If running it twice does no harm, give it [`retries`](multiproc::Call::retries), and it is
//!   run again instead.
//! * The program must be the same file everywhere: agents of another build do not get its tasks. When a new build
//!   is rolled out, its submitters find no agents until the first runs it; the old ones go on with the old agents.
//!
//! # What happens when things fail
//!
//! The example `chaos` makes this table: two agents with a worker each, a server, calls of 1 ms that note that they
//! run, on a machine with two CPUs. *Lost* are calls that ended with an error of the cluster, *missing* those that did
//! not end, *doubled* those that ran more often than they may, and the longest wait is that for the next result.
//! Agents had 2 seconds to answer, and not 30 as by default. Networks and disks are those of namespaces of Linux.
//!
//! | fault | calls | results | lost | missing | doubled | seconds | longest wait |
//! |---|---|---|---|---|---|---|---|
//! | nothing | 10000 | 10000 | 0 | 0 | 0 | 5.8 | 0.0 s |
//! | `kill -9` of an agent each second | 20000 | 19582 | 418 | 0 | 0 | 13.5 | 1.0 s |
//! | the same, 5 retries | 20000 | 20000 | 0 | 0 | 0 | 13.7 | 1.1 s |
//! | `kill -9` of the server each 3 seconds, back after one | 10000 | 10000 | 0 | 0 | 0 | 11.7 | 1.5 s |
//! | `kill -9` of the leader of three servers, back after 5 seconds | 10000 | 10000 | 0 | 0 | 0 | 12.1 | 6.0 s |
//! | an agent stopped for 6 seconds (2 are the time to answer) | 10000 | 9965 | 35 | 0 | 0 | 9.7 | 2.0 s |
//! | the same, 1 retry | 10000 | 10000 | 0 | 0 | 0 | 10.7 | 2.0 s |
//! | the server stopped for 6 seconds | 10000 | 10000 | 0 | 0 | 0 | 11.7 | 6.0 s |
//! | the network to an agent cut for 6 seconds | 10000 | 9965 | 35 | 0 | 0 | 10.2 | 2.0 s |
//! | the same, 1 retry | 10000 | 10000 | 0 | 0 | 0 | 13.1 | 4.0 s |
//! | the network to the submitter cut for 6 seconds | 10000 | 10000 | 0 | 0 | 0 | 15.0 | 6.7 s |
//! | the disk of the server full for 3 seconds, then room and a restart | 10000 | 10000 | 0 | 0 | 0 | 9.8 | 4.1 s |
//! | a submitter that rests for a second at each 1000th result | 10000 | 10000 | 0 | 0 | 0 | 15.4 | 0.5 s |
//! | a second submitter of the same names, which is closed while its tasks run | 10000 | 10000 | 0 | 0 | 0 | 6.8 | 0.1 s |
//! | all of it at random | 10000 | 10000 | 0 | 0 | 0 | 12.2 | 1.0 s |
//! | one call after the other, nothing | 5000 | 5000 | 0 | 0 | 0 | 7.1 | 0.0 s |
//! | one call after the other, `kill -9` of an agent each second | 5000 | 4994 | 6 | 0 | 0 | 19.5 | 2.1 s |
//! | the same, one after the other, 1 retry | 5000 | 5000 | 0 | 0 | 0 | 21.7 | 2.1 s |
//! | one call after the other, `kill -9` of the server each 3 seconds, back after one | 5000 | 5000 | 0 | 0 | 0 | 17.2 | 2.5 s |
//! | one call after the other, all of it at random | 5000 | 5000 | 0 | 0 | 0 | 21.5 | 8.0 s |
//!
//! Calls have the retries that are said, and 5 where all comes at random. Those that are lost together were sent
//! together: about forty of 1 ms are one message. One call after the other goes straight to an agent, and each is
//! alone: what is lost is the one that runs when its agent is killed. What is lost with an agent, and may be tried
//! again, is held back for a moment that is up to chance: else deliveries, which come again after the same time, can
//! be in step with what ends the agents.
//!
//! # When errors come
//!
//! | what is wrong | when it is told | changed by |
//! |---|---|---|
//! | no server at the address, a user who is refused, TLS on one side only, JetStream not enabled, a server that is too old | at once | |
//! | what is at the address is silent, or does not answer this user's questions | 5 seconds | [`connect_timeout`](crate::ClusterBuilder::connect_timeout), if that is shorter |
//! | no agent of this build | 60 seconds, and 2 | [`agent_timeout`](crate::ClusterBuilder::agent_timeout) |
//! | the server is away, or takes nothing | 60 seconds | [`server_timeout`](crate::ClusterBuilder::server_timeout) |
//! | the server takes tasks, but not the notes of agents | 20 seconds | |
//! | a worker has died | at once | |
//! | the agent that had begun a task is gone, and others are there | 30 seconds, and 2 | [`answer_timeout`](crate::Server::answer_timeout) |
//! | the agent that has a call which was alone is gone | 30 seconds, and 2 | [`answer_timeout`](crate::Server::answer_timeout), that of the submitter |
//! | the agent that had begun a task is gone, and the others have no worker free | 30 seconds and 60 | [`answer_timeout`](crate::Server::answer_timeout), [`agent_timeout`](crate::ClusterBuilder::agent_timeout) |
//! | the submitter is gone: its tasks are killed | 30 seconds, and some | [`submitter_timeout`](crate::Agent::submitter_timeout) |
//!
//! An agent that is not served goes on trying, and its [status](crate::AgentStatus::trouble) says why.
//!
//! # What an operator runs
//!
//! One server of NATS, version 2.10.23 or newer, with JetStream, is enough to begin:
//!
//! ```sh
//! nats-server --jetstream --store_dir /var/lib/nats
//! ```
//!
//! and on each machine the program as an agent, started by whatever starts programs there: `examples/cluster/` in
//! the repository has a file for Docker Compose, a manifest for Kubernetes, and a script for Slurm, and `up.sh`,
//! which runs a server, two agents and a submitter on one machine. Its agents stop as an operator expects: told by
//! Ctrl-C or `SIGTERM`, they finish what they run and begin nothing more, which is
//! [`AgentStop::stop`](crate::AgentStop::stop) in a handler of these signals. An agent that is killed loses what it
//! runs.
//!
//! [`Agent::show_status`](crate::Agent::show_status) shows on one line what an agent does, and why it gets no
//! tasks.
//!
//! If the server must not be the one thing that fails: three servers, and
//! [`replicas(3)`](crate::ClusterBuilder::replicas). Each message then takes about four times as long. Programs are
//! given the addresses of all three, separated by commas.
//!
//! A server acknowledges what it has written before its disk has it. `sync_interval: always` in the block
//! `jetstream` of its configuration changes that, at the price of a third of its speed or more. Whether it matters:
//! only if a machine of a server loses power.
//!
//! At the server, a program has two streams and an object store for each owner, whose names begin with the
//! [prefix](crate::Server::prefix): tasks and what is noted of them are kept for a day at most, if they are not taken.
//! A server that is full by [its limits](crate::ClusterBuilder::server_bytes) does not lose anything: what does not
//! fit waits at its submitter. Give it such limits: a server that finds its *disk* full keeps nothing more until it
//! is started again, and what is submitted meanwhile ends with an error after the time for a server that is away.
//!
//! # Seeing what happened
//!
//! [`trace`](crate::ClusterBuilder::trace) writes a file for <https://ui.perfetto.dev>, with a row for each worker of
//! each agent: whether all machines had work all the time, and which tasks were the long ones.
//! `cluster_word_count --trace FILE` does.
//!
//! # Security
//!
//! **A user who may submit tasks runs code on the machines of agents**, with the rights of the agents' user: a task says
//! which function of the program is called, and with what. Payloads are checked for damage, and reading them does
//! not take more memory than they have; that keeps mistakes out, and not malice. Treat the right to submit like the right
//! to log in.
//!
//! So a server that others can reach needs TLS and users. This configuration has an agent, and two submitters who do
//! not trust each other; the tests of this crate run with it:
//!
//! ```text
#![doc = include_str!("../server.conf")]
//! ```
//!
//! A program then connects so:
//!
//! ```no_run
//! use multiproc_cluster::{Cluster, Server};
//!
//! let server = Server::new("nats://queue:4222")
//!     .ca_file("/etc/nats/ca.pem")
//!     .password("alice", "alice-password")
//!     .owner("alice");
//! let cluster = Cluster::connect(server)?;
//! # Ok::<(), multiproc::Error>(())
//! ```
//!
//! What the permissions do: an agent cannot submit; a submitter can neither read the results of others, nor submit,
//! note results or cancel in their name. What they do not: a submitter who may remove tasks from the queue may remove
//! those of others, since the server has no finer right for that. Users who must not disturb each other get an
//! *account* each, with agents of their own.
