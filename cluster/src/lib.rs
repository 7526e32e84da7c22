//! The workers of [`multiproc`] on more than one machine.
//!
//! A [`Cluster`] has the methods of a [`Pool`](multiproc::Pool), and runs tasks in [`Agent`]s: the same program,
//! started on other machines. Between them is a server of [NATS](https://nats.io), with JetStream enabled, of
//! version 2.10.23 or newer. It keeps the tasks and gives them to agents that are free; this crate has no
//! scheduler of its own. Only a short call that is alone goes straight to the agent that the server has chosen for the
//! last one.
//!
//! ```no_run
//! use multiproc::worker;
//! use multiproc_cluster::{Agent, Cluster};
//!
//! #[worker]
//! fn count_words(text: &str) -> usize {
//!     text.split_whitespace().count()
//! }
//!
//! fn main() -> multiproc::Result<()> {
//!     if std::env::args().any(|argument| argument == "--agent") {
//!         return Agent::connect("nats://queue:4222")?.run();
//!     }
//!     let cluster = Cluster::connect("nats://queue:4222")?;
//!     let texts = ["In the year 1878", "I took my degree"];
//!     for count in cluster.map(|text| count_words::call(text), texts) {
//!         println!("{}", count?);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! The [`guide`] says when to use it, what is promised, and what an operator runs.
//!
//! # What is promised
//!
//! * Each task ends once where it was submitted, with one result, or one error that is true.
//! * A task runs at most once, unless its call allows [`retries`](multiproc::Call::retries); then once more for
//!   each of them at most.
//! * Nothing waits for ever: that the server is away, that there is no agent, or none of this build, are
//!   errors after times that the [builder](ClusterBuilder) says.
//! * Only agents of the same build get a task. Handles are refused before anything is sent.
//! * A timeout, or cancelling a task, kills its process, wherever that is.
//! * Nothing depends on the server alone: after each new connection, and for each task of which nothing is heard,
//!   the submitter looks up what has become of it.
//!
//! # How it works
//!
//! ```text
//!  submitter                      server                              agent
//!  submit ── task ──────────────▶ tasks (a queue) ── when asked ────▶ asks for as many as it has workers free
//!                                 records         ◀── "begun" ─────── 1. only the first note counts
//!     ◀────────────────────────── if it takes long ────────────────── 2. runs the call in its pool
//!                                 records         ◀── result ──────── 3. only the first note counts
//!  the task ends ◀─ as it comes ──┘
//!                                 tasks           ◀── answered ────── 4. forgotten
//! ```
//!
//! A task is in one of these states:
//!
//! | state | the queue has it | "begun" is noted | a result is noted |
//! |---|---|---|---|
//! | sent | not yet, or its answer is under way | no | no |
//! | queued | yes | no | no |
//! | running | yes, delivered | yes, with the agent's name | no |
//! | handed over | no: one agent has it, or it is on its way there | no | no |
//! | finished | yes or no | yes, unless it was handed over | yes |
//!
//! What is noted is kept by a stream that refuses a second message for the same subject. So of all agents that may
//! get a task, by whatever mistake or crash, one begins it, and one result counts. That is why it does not matter
//! how often the server delivers a task.
//!
//! # Short calls that are alone
//!
//! ```text
//!  submitter                      server                              agent
//!  submit ── task ──────────────▶ (keeps nothing) ──────────────────▶ 1. takes it if a worker is free
//!     ◀────────────────────────── if it takes long ────────────────── 2. runs the call in its pool
//!                                 records         ◀── result ──────── 3. only the first note counts
//!  the task ends ◀─ as it comes ──┘
//! ```
//!
//! For a call that is waited for and takes less than a millisecond, the way through the queue and the note that it
//! begins are half of its time. So a call that is the only one that is open, after one that was short, is handed to the
//! agent that ran that one: the submitter sends it there, once, and nowhere else. No other agent can have it, so
//! there is nothing to be noted before it begins. If that agent has no worker free, or is not there, or knows nothing
//! of the task when it is asked, the task is put into the queue like any other. An agent that does not answer for the
//! [time for that](Server::answer_timeout) is lost, and the attempt with it.
//!
//! A submitter hears results as they pass the server, before they are kept. So it may hear one that is then refused.
//! It ends its task all the same: the agent that sends it has run the task. That there is no result is
//! believed when it is kept.
//!
//! Notes of beginnings a submitter does not hear: to take them in costs as much as a result. The agent tells it what
//! runs longer than 100 ms, and nothing depends on that: before it is said that a task has not run, or that its agent
//! is gone, the note is looked up.
//!
//! Answers to deliveries wait for the next message of their agent, or 3 ms.
//!
//! What if one of them dies, or is cut off, at any of these steps:
//!
//! | who, when | what follows |
//! |---|---|
//! | a worker, while it runs a task | its agent knows at once, by its pool: the error that a pool has, or the next attempt, for which "begun" is noted again |
//! | an agent, before "begun" is noted | its delivery is not answered; after the [time for that](Server::answer_timeout) another agent gets it and begins |
//! | an agent, after "begun", before the result | another gets the task and finds the note. It asks the agent in the note, which does not answer; it begins the next attempt, held back for a moment that is up to chance, or notes that the task is lost |
//! | the same, and no other has a worker free | the submitter knows from that agent, or from the note, that it had begun the task. When the agent has been silent for long enough, and there is no result, the task is lost |
//! | the same, and there is no other | the submitter takes the task back from the queue, and then finds the note: the task is lost |
//! | an agent, with a task that was handed to it | whether it had begun cannot be known. The submitter asks it, and after the time to answer looks for a result: the task is lost, or is put into the queue for its next attempt |
//! | an agent, when its submitter has heard the result and the server has not kept it | the task has ended with that result. Another gets the task and finds "begun": the submitter does not wait for what it notes or begins then, as above |
//! | an agent, after the result, before it has answered | another gets the task, finds the result, and answers the delivery |
//! | an agent that has been told to stop | it goes on saying that it is there until what it runs has ended |
//! | an agent that is only stopped or cut off | as if it had died. When it is back, its result is refused: the first one counts |
//! | the server, which comes back | connections come back, too. What was delivered it may deliver again, to others: they find "begun", ask that agent, which says that it runs the task, and leave it alone |
//! | the server, which does not come back | after [its time](ClusterBuilder::server_timeout), tasks are lost; those that were never sent have not run |
//! | all agents | after [their time](ClusterBuilder::agent_timeout), what could be taken back from the queue without a beginning was not run, the rest is lost |
//! | the submitter | agents do not hear it any more: after [a time](Agent::submitter_timeout) they begin none of its tasks, and kill those that run |
//! | a submitter that was only stopped | it finds the results, which are kept for a day, or that its tasks were cancelled |
//! | the connection, with a message on it | a task that was handed over is not known to its agent, which will not take it any more, and is put into the queue; a task that is sent again is one task, by its name; a note that is sent again is found to be one's own; that a task runs is looked up at the next connection |
//! | the task and its "begun", which the server has forgotten because of their [age](ClusterBuilder::task_age) | nobody else can get the task. The submitter asks all agents whether they run it, and goes on waiting if one does |
//!
//! That a task is cancelled is taken back from the queue, and said to all agents; it is said again for a minute,
//! for those that had it on its way.
//!
//! # Caveats
//!
//! * A user who may submit tasks to a server runs code on its agents. See the [`guide`].
//! * A server acknowledges what it has given to its operating system. If its machine loses power, or its disk, the
//!   last tasks may be lost, and what is noted of them with them: then a task can be lost, or run again. A cluster
//!   of three servers with [`replicas`](ClusterBuilder::replicas), and `sync_interval: always` in their
//!   configuration, make that rare at a price.
//! * Calls are sent in groups, if they are short: those of a group that have no result yet are lost together if
//!   their agent is.

mod agent;
mod builder;
mod cluster;
mod engine;
pub mod guide;
mod id;
mod indexed;
mod map;
mod nats;
mod runner;
mod runtime;
mod server;
mod sink;
mod stats;
mod status_line;
mod submitter;
mod task;
mod trace;
mod window;
mod wire;

pub use agent::{Agent, AgentStatus, AgentStop};
pub use builder::ClusterBuilder;
pub use cluster::{AgentInfo, Cluster};
pub use indexed::Indexed;
pub use map::Map;
pub use server::Server;
pub use stats::ClusterStats;
pub use task::Task;
