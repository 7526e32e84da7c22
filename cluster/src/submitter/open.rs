//! The tasks that have not ended.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Message;
use crate::sink::Sink;

/// Job and number of a message.
pub(super) type Key = (u64, u64);

/// How long the notes of a task that has ended are kept: if the server crashes, it may deliver the task again.
const LINGER: Duration = Duration::from_mins(2);

#[derive(Default)]
pub(super) struct Open {
    tasks: HashMap<Key, OpenTask>,
    calls: usize,
    /// A place that the latest record had, some seconds ago at most.
    last_place: u64,
    /// How many open tasks were submitted when that was the place.
    born: BTreeMap<u64, usize>,
    /// When tasks ended, and at which place they were submitted.
    ended: VecDeque<(Instant, u64)>,
    /// Those whose arguments are kept beside the messages.
    blobs: HashSet<Key>,
}

/// A task that has not ended.
pub(super) struct OpenTask {
    pub(super) sink: Arc<dyn Sink>,
    pub(super) worker: &'static str,
    pub(super) calls: usize,
    pub(super) retries: u32,
    pub(super) since: Instant,
    pub(super) state: State,
    /// When it was looked up.
    pub(super) checked: Instant,
    /// Since when the engine does not say what it has.
    pub(super) unanswered: Option<Instant>,
    born: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// On its way to the engine, which may have it already.
    Sent,
    /// The engine has it.
    Queued,
    /// This agent has begun it, for the first time (0) or again.
    Running(String, u32),
}

impl OpenTask {
    pub(super) fn new(message: &Message) -> OpenTask {
        OpenTask {
            sink: Arc::clone(&message.sink),
            worker: message.worker,
            calls: message.calls.len(),
            retries: message.retries,
            since: Instant::now(),
            state: State::Sent,
            checked: Instant::now(),
            unanswered: None,
            born: 0,
        }
    }
}

impl Open {
    pub(super) fn insert(&mut self, key: Key, mut task: OpenTask) {
        task.born = self.last_place;
        *self.born.entry(task.born).or_default() += 1;
        self.calls += task.calls;
        self.tasks.insert(key, task);
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<OpenTask> {
        let task = self.tasks.remove(&key)?;
        self.calls -= task.calls;
        if let Some(count) = self.born.get_mut(&task.born) {
            *count -= 1;
            if *count == 0 {
                self.born.remove(&task.born);
            }
        }
        self.ended.push_back((Instant::now(), task.born));
        Some(task)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut OpenTask> {
        self.tasks.get_mut(&key)
    }

    pub(super) fn contains(&self, key: Key) -> bool {
        self.tasks.contains_key(&key)
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        self.tasks.keys().copied().collect()
    }

    pub(super) fn keys_of(&self, job: u64) -> Vec<Key> {
        self.keys().into_iter().filter(|key| key.0 == job).collect()
    }

    pub(super) fn keys_where(&self, mut which: impl FnMut(&OpenTask) -> bool) -> Vec<Key> {
        let tasks = self.tasks.iter();
        tasks.filter(|it| which(it.1)).map(|it| *it.0).collect()
    }

    pub(super) fn is_only(&self, key: Key) -> bool {
        self.tasks.len() == 1 && self.contains(key)
    }

    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    pub(super) fn is_running(&self, key: Key) -> bool {
        let task = self.tasks.get(&key);
        task.is_some_and(|task| matches!(task.state, State::Running(..)))
    }

    /// Notes the place of the latest record that is kept, as the engine says.
    pub(super) fn note_place(&mut self, place: u64) {
        self.last_place = place;
    }

    /// Whether there are no tasks, not even such as ended a while ago.
    pub(super) fn is_quiet(&self) -> bool {
        self.tasks.is_empty() && self.ended.is_empty()
    }

    pub(super) fn note_blob(&mut self, key: Key) {
        self.blobs.insert(key);
    }

    /// Whether its arguments are kept beside the messages; not any more, from now on.
    pub(super) fn had_blob(&mut self, key: Key) -> bool {
        self.blobs.remove(&key)
    }

    /// The place before which all records are of tasks that ended some time ago. A record of a task has a
    /// place after that which was the latest when the task was submitted.
    pub(super) fn settled_place(&mut self) -> u64 {
        while self.ended.front().is_some_and(|it| it.0.elapsed() > LINGER) {
            self.ended.pop_front();
        }
        let open = self.born.keys().next().copied();
        let ended = self.ended.iter().map(|it| it.1).min();
        let oldest = open.into_iter().chain(ended).min();
        oldest.unwrap_or(self.last_place)
    }
}
