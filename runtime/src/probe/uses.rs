//! Who uses which word, and how: where it makes a difference to stop.

use super::trace::{Act, Step};

/// What is known of the words so far.
#[derive(Debug, Default)]
pub(super) struct Uses {
    words: Vec<Use>,
    grown: bool,
}

#[derive(Debug, Clone, Default)]
struct Use {
    /// Actors, a bit for each; the highest is who looks when all is over.
    readers: u32,
    writers: u32,
    /// The monitors inside which all use it; `None` if none has yet.
    guards: Option<Vec<usize>>,
}

const CHECKER: u32 = 1 << 31;

impl Use {
    /// Whether one sees what another writes.
    fn is_shared(&self) -> bool {
        self.writers != 0 && (self.readers | self.writers).count_ones() > 1
    }

    /// Whether they do while others are under way.
    fn is_open(&self) -> bool {
        let actors = (self.readers | self.writers) & !CHECKER;
        let is_guarded = self
            .guards
            .as_ref()
            .is_some_and(|guards| !guards.is_empty());
        self.writers & !CHECKER != 0 && actors.count_ones() > 1 && !is_guarded
    }
}

impl Uses {
    /// The word of those who stop of their own accord.
    pub(super) const PAUSE: usize = 0;
    /// The words behind the bytes that tell who lives.
    pub(super) const FIRST_WORD: usize = Uses::of_byte(256);

    pub(super) const fn of_byte(byte: u32) -> usize {
        1 + byte as usize
    }

    pub(super) fn are_shared(&self, word: usize) -> bool {
        self.words.get(word).is_some_and(Use::is_shared)
    }

    pub(super) fn are_open(&self, word: usize) -> bool {
        self.words.get(word).is_some_and(Use::is_open)
    }

    /// Whether more words turned out to be shared since this was asked last.
    pub(super) fn have_grown(&mut self) -> bool {
        std::mem::take(&mut self.grown)
    }

    /// Notes a step. Monitors are owned as `owners` says: which, and by whom.
    pub(super) fn note(&mut self, who: usize, step: &Step, owners: &[(usize, usize)]) {
        if self.words.len() <= step.word {
            self.words.resize(step.word + 1, Use::default());
        }
        let word = &mut self.words[step.word];
        let before = (word.is_shared(), word.is_open());
        let bit = 1 << who;
        match step.act {
            Act::Read | Act::Sleep | Act::Ask => word.readers |= bit,
            Act::Write | Act::Wake | Act::Pause => word.writers |= bit,
        }
        if bit != CHECKER && step.act != Act::Wake {
            // A monitor does not guard itself.
            let held = owners
                .iter()
                .filter(|(monitor, owner)| *owner == who && *monitor != step.word)
                .map(|(monitor, _)| monitor);
            match &mut word.guards {
                Some(guards) if guards.is_empty() => {}
                Some(guards) => guards.retain(|monitor| held.clone().any(|it| it == monitor)),
                guards @ None => *guards = Some(held.copied().collect()),
            }
        }
        self.grown |= before != (word.is_shared(), word.is_open());
    }
}
