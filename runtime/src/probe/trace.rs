//! What the actors did.

use std::fmt;
use std::panic::Location;

use super::schedule::Choice;

/// What an actor is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Read,
    Write,
    /// To sleep on a word.
    Sleep,
    /// To wake those who do.
    Wake,
    /// To ask the kernel whether an actor lives.
    Ask,
    /// Nothing; the test wants a stop here.
    Pause,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) act: Act,
    pub(super) word: usize,
    pub(super) at: &'static Location<'static>,
}

/// What was done, to understand a failure by.
#[derive(Debug, Default)]
pub(super) struct Trace(Vec<TraceEvent>);

#[derive(Debug)]
pub(super) enum TraceEvent {
    Step(usize, Step),
    End(usize),
    Choice(Choice),
}

impl Trace {
    pub(super) fn step(&mut self, actor: usize, step: Step) {
        self.0.push(TraceEvent::Step(actor, step));
    }

    pub(super) fn end(&mut self, actor: usize) {
        self.0.push(TraceEvent::End(actor));
    }

    pub(super) fn choice(&mut self, choice: Choice) {
        if !matches!(choice, Choice::Go(_)) {
            self.0.push(TraceEvent::Choice(choice));
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in &self.0 {
            match event {
                TraceEvent::Step(actor, Step { act, word, at }) => {
                    writeln!(f, "  {actor}: {act:?} word {word} at {at}")?;
                }
                TraceEvent::End(actor) => writeln!(f, "  {actor} is at its end")?,
                TraceEvent::Choice(choice) => writeln!(f, "  {choice:?}")?,
            }
        }
        Ok(())
    }
}
