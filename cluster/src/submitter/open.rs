//! The tasks that have not ended.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

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
    /// Those that are [`State::Handed`].
    handed: HashSet<Key>,
}

/// A task that has not ended.
pub(super) struct OpenTask {
    pub(super) sink: Arc<dyn Sink>,
    pub(super) worker: &'static str,
    pub(super) calls: usize,
    pub(super) retries: u32,
    /// The first attempt that is made of what the engine has: those before it are lost.
    pub(super) first: u32,
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
    /// An agent has it, or it is on its way there, and the engine does not have it.
    Handed(Handed),
}

/// What is known of a task that was handed to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Handed {
    pub(super) agent: String,
    /// To be put, if it is not taken.
    pub(super) message: Bytes,
    /// The attempt that the agent has begun, as far as it is known.
    pub(super) attempt: Option<u32>,
    /// When the agent is asked for it.
    pub(super) ask_at: Instant,
    /// Since when the agent does not answer, and how often it has not.
    pub(super) missed: Option<(Instant, u32)>,
}

impl Handed {
    /// Notes that the agent has not answered, and says whether it is lost.
    pub(super) fn miss(&mut self, patience: Duration) -> bool {
        let (since, times) = self.missed.unwrap_or_else(|| (Instant::now(), 0));
        self.missed = Some((since, times + 1));
        since.elapsed() >= patience && times + 1 >= MISSES
    }
}

/// How many answers of an agent must be missing. One may be because this process was stopped.
const MISSES: u32 = 3;

impl OpenTask {
    pub(super) fn new(message: &Message) -> OpenTask {
        OpenTask {
            sink: Arc::clone(&message.sink),
            worker: message.worker,
            calls: message.calls.len(),
            retries: message.retries,
            first: 0,
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
        self.handed.remove(&key);
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

    /// Notes that a task is handed to an agent. False if there are others, or it has ended.
    pub(super) fn hand(&mut self, key: Key, handed: Handed) -> bool {
        if self.tasks.len() != 1 {
            return false;
        }
        let Some(task) = self.tasks.get_mut(&key) else {
            return false;
        };
        task.state = State::Handed(handed);
        self.handed.insert(key);
        true
    }

    pub(super) fn handed(&mut self, key: Key) -> Option<&mut Handed> {
        match &mut self.tasks.get_mut(&key)?.state {
            State::Handed(handed) => Some(handed),
            _ => None,
        }
    }

    /// Notes that a task is not its agent's any more. It is this one's from now on who gets it.
    pub(super) fn take_back(&mut self, key: Key, state: State) -> Option<Handed> {
        let task = self.tasks.get_mut(&key)?;
        if !self.handed.remove(&key) {
            return None;
        }
        match std::mem::replace(&mut task.state, state) {
            State::Handed(handed) => Some(handed),
            _ => None,
        }
    }

    /// For which task an agent is to be asked next, and when.
    pub(super) fn next_question(&self) -> Option<(Key, Instant)> {
        let ask_at = |key: &Key| match &self.tasks.get(key)?.state {
            State::Handed(handed) => Some((*key, handed.ask_at)),
            _ => None,
        };
        self.handed.iter().filter_map(ask_at).min_by_key(|it| it.1)
    }

    pub(super) fn calls(&self) -> usize {
        self.calls
    }

    pub(super) fn is_running(&self, key: Key) -> bool {
        let task = self.tasks.get(&key);
        task.is_some_and(|task| match &task.state {
            State::Running(..) => true,
            State::Handed(handed) => handed.attempt.is_some(),
            State::Sent | State::Queued => false,
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_lost_when_several_answers_are_missing_and_for_long_enough() {
        let handed = Handed {
            agent: "agent".to_owned(),
            message: Bytes::new(),
            attempt: None,
            ask_at: Instant::now(),
            missed: None,
        };
        let mut soon = handed.clone();
        for _ in 1..MISSES {
            assert!(!soon.miss(Duration::ZERO));
        }
        assert!(soon.miss(Duration::ZERO));
        let mut late = handed;
        for _ in 0..2 * MISSES {
            assert!(!late.miss(Duration::from_hours(1)));
        }
    }
}
