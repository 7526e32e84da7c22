//! What keeps and distributes tasks, to the rest of this crate: a trait, so that the rest knows nothing of the
//! engine but what stands here.
//!
//! An engine has four things: tasks that wait, records of what became of them, long values, and talk that is
//! not kept. It decides which agent gets a task; nothing else does.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;

use crate::id::{RunId, TaskId};

/// What there is of an engine.
pub(crate) trait Engine: Clone + Send + Sync + 'static {
    type Deliveries: Deliveries<Receipt = Self::Receipt>;
    type Records: Records;
    type Listener: Listener;
    /// What a delivery is answered by.
    type Receipt: Clone + Send + Sync + 'static;

    /// Whether there is a connection now.
    fn connected(&self) -> watch::Receiver<bool>;
    /// Whether the connection came back so lately that others whose server was away may be about to come back, too.
    fn is_just_back(&self) -> bool;
    /// What this user was not allowed lately, although it is needed.
    fn complaint(&self) -> Option<String>;
    /// How long a message may be, at most.
    fn message_limit(&self) -> usize;

    /// Puts a task among those that wait. If it is there already, it stays one.
    fn put_task(&self, id: &TaskId, message: Bytes) -> impl Future<Output = Result<()>> + Send;
    /// Takes back what waits or is delivered, and says how many there were.
    fn remove_tasks(&self, which: &Which) -> impl Future<Output = Result<u64>> + Send;
    /// Whether the task waits or is delivered, and not settled.
    fn has_task(&self, id: &TaskId) -> impl Future<Output = Result<bool>> + Send;
    /// The tasks of this build, for an agent.
    fn deliveries(&self) -> impl Future<Output = Result<Self::Deliveries>> + Send;
    /// Answers a delivery.
    fn settle(
        &self,
        receipt: &Self::Receipt,
        answer: Answer,
    ) -> impl Future<Output = Result<()>> + Send;
    /// After which time without an answer a task is delivered again, if the server has not other terms.
    fn answer_time(&self) -> Duration;

    /// Notes something of a task, unless it was noted before.
    fn record(
        &self,
        id: &TaskId,
        note: Note,
        message: Bytes,
    ) -> impl Future<Output = Result<First>> + Send;
    /// What was noted of a task.
    fn recorded(
        &self,
        id: &TaskId,
        note: Note,
    ) -> impl Future<Output = Result<Option<Bytes>>> + Send;
    /// The results that agents note of the tasks of a run, as they send them: before they are kept, and also what is
    /// then refused because there was one before.
    fn records(&self, run: &RunId) -> impl Future<Output = Result<Self::Records>> + Send;
    /// The place of the latest note that is kept, of any run.
    fn last_place(&self) -> impl Future<Output = Result<u64>> + Send;
    /// Forgets what was noted of a run, before this place, or all.
    fn forget(&self, run: &RunId, before: Option<u64>) -> impl Future<Output = Result<()>> + Send;

    /// Keeps what is too long for a message.
    fn put_blob(
        &self,
        owner: &str,
        name: &str,
        bytes: Bytes,
    ) -> impl Future<Output = Result<()>> + Send;
    fn blob(&self, owner: &str, name: &str) -> impl Future<Output = Result<Bytes>> + Send;
    fn remove_blob(&self, owner: &str, name: &str) -> impl Future<Output = Result<()>> + Send;

    /// Hands a task to an agent, without keeping it. An agent that does not take it says so to
    /// [`Topic::NotTaken`], and the engine does if there is no such agent.
    fn hand(
        &self,
        agent: &str,
        id: &TaskId,
        message: Bytes,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Whether this user may hand tasks to agents, as far as it is known.
    fn may_hand(&self) -> bool;
    /// Says something to those who listen, if any do.
    fn tell(&self, topic: &Topic<'_>, message: Bytes) -> impl Future<Output = Result<()>> + Send;
    /// Asks who listens, and waits for an answer; `None` if none came in time.
    fn ask(
        &self,
        topic: &Topic<'_>,
        message: Bytes,
        limit: Duration,
    ) -> impl Future<Output = Option<Bytes>> + Send;
    fn listen(&self, topic: &Topic<'_>) -> impl Future<Output = Result<Self::Listener>> + Send;
    /// Answers what was asked.
    fn reply(&self, heard: &Heard, message: Bytes) -> impl Future<Output = Result<()>> + Send;
    /// Waits until all that was said is on its way.
    fn flush(&self) -> impl Future<Output = Result<()>> + Send;
}

/// Tasks on their way to an agent.
pub(crate) trait Deliveries: Send + 'static {
    type Receipt;

    /// After which time without an answer a task is delivered again.
    fn answer_time(&self) -> Duration;
    /// Asks for so many more.
    fn request(&mut self, count: usize) -> impl Future<Output = Result<()>> + Send;
    /// What comes next.
    fn next(&mut self) -> impl Future<Output = Option<Arrival<Self::Receipt>>> + Send;
    /// Asks for no more: [`next`](Deliveries::next) gives what was sent before, and then ends.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

/// What comes of requests for tasks.
pub(crate) enum Arrival<R> {
    Task(Delivery<R>),
    /// So many of those that were asked for do not come: ask again.
    Expired(usize),
}

/// A task for this agent.
pub(crate) struct Delivery<R> {
    pub(crate) id: TaskId,
    pub(crate) message: Bytes,
    pub(crate) receipt: R,
}

/// The answer to a delivery.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Answer {
    /// It is done, and its result kept.
    Done,
    /// It is not forgotten.
    Working,
    /// It was not begun: an agent may have it after this time.
    Back(Duration),
}

/// The results that are being noted, as they come.
pub(crate) trait Records: Send + 'static {
    fn next(&mut self) -> impl Future<Output = Option<Record>> + Send;
}

/// A result that is being noted.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) id: TaskId,
    pub(crate) message: Bytes,
}

/// What can be noted of a task, each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    /// An agent is about to run it, for the first time (0) or again.
    Begun(u32),
    /// It has ended.
    Result,
}

/// Whether a note is the first of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    Yes,
    No,
}

/// Tasks to be taken back.
#[derive(Debug, Clone)]
pub(crate) enum Which {
    Task(TaskId),
    Job(RunId, u64),
    Run(RunId),
}

/// What is talked about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Topic<'a> {
    /// Agents of this build say that they are there: one, or any.
    Agent(Option<&'a str>),
    /// The same, of agents of all builds.
    AnyAgent,
    /// Questions to all agents of this build, or to one.
    ToAgent(Option<&'a str>),
    /// Tasks that are handed to this agent; no message is the question whether it has the task.
    Handed(&'a str, Option<&'a TaskId>),
    /// Tasks of this connection that were handed to an agent, and not taken.
    NotTaken,
    /// Submitters say that they are there: one, or any.
    Submitter(Option<&'a RunId>),
    /// Questions to a submitter.
    ToSubmitter(&'a RunId),
    /// What is cancelled: of a submitter, or of any.
    Cancel(Option<&'a RunId>),
}

pub(crate) trait Listener: Send + 'static {
    fn next(&mut self) -> impl Future<Output = Option<Heard>> + Send;
    /// Listens no more: [`next`](Listener::next) gives what was said before, and then ends.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

/// What was heard.
#[derive(Debug)]
pub(crate) struct Heard {
    /// Who is spoken of: the last parts of the topic.
    pub(crate) about: Vec<String>,
    pub(crate) message: Bytes,
    pub(crate) reply: Option<String>,
}

pub(crate) type Result<T> = std::result::Result<T, EngineError>;

/// Why the engine has not done it.
#[derive(Debug, Clone)]
pub(crate) struct EngineError {
    pub(crate) cause: Cause,
    pub(crate) text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// There is no room: later there may be.
    Full,
    /// It did not answer, or not now.
    Away,
    /// It refuses, and will do so again.
    Refused,
}

impl EngineError {
    pub(crate) fn new(cause: Cause, text: impl fmt::Display) -> EngineError {
        EngineError {
            cause,
            text: text.to_string(),
        }
    }
}

impl fmt::Display for EngineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
