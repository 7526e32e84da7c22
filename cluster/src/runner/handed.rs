//! Tasks that submitters hand to this agent, past the queue.
//!
//! What is handed comes on one way, and so do the questions whether it has come: in the order in which they were sent.
//! An answer that it has not come is a promise, too: it will not be taken if it comes later.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Runner, Running};
use crate::engine::{Engine, Heard, Listener};
use crate::id::TaskId;
use crate::submitter::lock;
use crate::wire::{self, Knows};

/// What is handed to this agent.
pub(super) struct Handed<L> {
    /// `None`: nothing more comes.
    listener: Option<L>,
    /// What will not be taken, and when that was said.
    refused: HashMap<TaskId, Instant>,
}

/// How long a task may be on its way after it was asked for.
const ON_ITS_WAY: Duration = Duration::from_mins(1);

/// How many are remembered before those are forgotten that are old.
const MANY: usize = 1024;

impl<L: Listener> Handed<L> {
    pub(super) fn new(listener: L) -> Handed<L> {
        Handed {
            listener: Some(listener),
            refused: HashMap::new(),
        }
    }

    /// What comes next; never, when there is nothing more.
    pub(super) async fn next(&mut self) -> Heard {
        match self.last().await {
            Some(heard) => heard,
            None => std::future::pending().await,
        }
    }

    /// What comes next; `None`, when there is nothing more.
    pub(super) async fn last(&mut self) -> Option<Heard> {
        let heard = self.listener.as_mut()?.next().await;
        if heard.is_none() {
            self.listener = None;
        }
        heard
    }

    /// Has nothing come but what is on its way.
    pub(super) async fn close(&mut self) {
        if let Some(listener) = &mut self.listener {
            listener.close().await;
        }
    }

    fn refuse(&mut self, id: TaskId) {
        if self.refused.len() >= MANY {
            self.refused.retain(|_, since| since.elapsed() < ON_ITS_WAY);
        }
        self.refused.insert(id, Instant::now());
    }
}

impl<L> Default for Handed<L> {
    fn default() -> Handed<L> {
        Handed {
            listener: None,
            refused: HashMap::new(),
        }
    }
}

impl<E: Engine> Runner<E> {
    /// Takes in what was heard. Returns a task if it is to be run: it counts as running then.
    pub(super) async fn take_handed(
        &self,
        handed: &mut Handed<E::Listener>,
        heard: Heard,
        has_room: bool,
    ) -> Option<(TaskId, Bytes)> {
        let id = TaskId::parse(&heard.about.join("."))?;
        let knows = self.knows(&id);
        let is_question = heard.message.is_empty();
        let is_refused = !has_room || handed.refused.contains_key(&id);
        match (is_question, knows) {
            (true, _) => {
                if let Knows::Nothing = knows {
                    handed.refuse(id);
                }
                let _ = self.engine.reply(&heard, wire::write(&knows)).await;
                None
            }
            // It comes once: that it was refused need not be remembered.
            (false, Knows::Nothing) if is_refused => {
                let _ = self.engine.reply(&heard, Bytes::new()).await;
                None
            }
            (false, Knows::Nothing) => {
                lock(&self.running).insert(id.clone(), Running::new(None));
                Some((id, heard.message))
            }
            // It was sent twice.
            (false, Knows::Running | Knows::Done) => None,
        }
    }
}
