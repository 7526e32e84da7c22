//! How far a run has come, and what can happen next.

use std::fmt::Write;
use std::time::Duration;

use super::bounds::Bounds;
use super::schedule::{Choice, Schedule};
use super::trace::{Act, Step, Trace};
use super::uses::Uses;

#[derive(Debug)]
pub(super) struct State {
    pub(super) turn: Turn,
    pub(super) actors: Vec<Actor>,
    pub(super) preemptions: u32,
    pub(super) deaths: u32,
    pub(super) timeouts: u32,
    pub(super) dead: u32,
    /// How often something was changed.
    pub(super) changes: u64,
    /// Who is inside which monitor.
    pub(super) owners: Vec<(usize, usize)>,
    pub(super) clock: Duration,
    pub(super) schedule: Schedule,
    pub(super) uses: Uses,
    pub(super) trace: Trace,
    pub(super) failure: Option<String>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    Actor(usize),
    /// To end an actor; the other goes on at its step.
    Kill(usize, Option<(usize, Step)>),
    Over,
}

#[derive(Debug)]
pub(super) struct Actor {
    pub(super) status: Status,
    pub(super) is_doomed: bool,
    /// By word: the number of changes when it was looked at, and how often since.
    pub(super) looks: Vec<(usize, u64, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ready,
    /// Sleeps on a word, in a turn, until a time.
    Asleep {
        word: usize,
        turn: usize,
        until: Duration,
    },
    Finished,
    Dead,
}

/// After so many looks at a word that does not change, an actor spins.
pub(super) const LOOKS: u32 = 3;

/// An actor that takes more steps will never come to an end.
pub(super) const STEPS: usize = 200_000;

/// How long a death may hold the others up.
pub(super) const LONGEST: Duration = Duration::from_secs(1);

/// Who looks at the world when all is over.
pub(super) const CHECKER: usize = 31;

impl State {
    pub(super) fn fail(&mut self, what: String) {
        self.failure.get_or_insert(what);
        for actor in &mut self.actors {
            actor.is_doomed = true;
        }
        self.turn = Turn::Over;
    }

    /// Whether something else can happen before this step that makes a difference.
    pub(super) fn is_stop(&mut self, me: usize, step: &Step, bounds: &Bounds) -> bool {
        if self.schedule.is_fixed() {
            return self.schedule.has_choice();
        }
        let dies = self.deaths > 0 && bounds.mortal & 1 << me != 0;
        let is_stop = self.is_open(me, step) || dies && self.uses.are_shared(step.word);
        is_stop || self.deaths > 0 && step.act == Act::Ask
    }

    /// Whether others make a difference to this step.
    pub(super) fn is_open(&mut self, me: usize, step: &Step) -> bool {
        match step.act {
            Act::Pause => true,
            Act::Ask => false,
            Act::Read => self.uses.are_open(step.word) && !self.spins(me, step.word),
            _ => self.uses.are_open(step.word),
        }
    }

    /// Whether the actor has looked often at a word that has not changed since.
    pub(super) fn spins(&mut self, me: usize, word: usize) -> bool {
        let changes = self.changes;
        let looks = &mut self.actors[me].looks;
        match looks.iter_mut().find(|(looked_at, ..)| *looked_at == word) {
            Some((_, then, times)) if *then == changes => {
                *times += 1;
                *times > LOOKS
            }
            Some((_, then, times)) => {
                (*then, *times) = (changes, 1);
                false
            }
            None => {
                looks.push((word, changes, 1));
                false
            }
        }
    }

    /// Decides who goes on: the actor at its step, if there is one, or another.
    pub(super) fn decide(&mut self, bounds: &Bounds, current: Option<(usize, Step)>) {
        if current.is_none() {
            self.schedule.step();
        }
        if self.failure.is_some() {
            self.turn = Turn::Over;
            return;
        }
        let options = match &current {
            Some((me, step)) => self.options_at(*me, step, bounds),
            None => match self.options_between(bounds) {
                Ok(options) => options,
                Err(what) => return self.fail(what),
            },
        };
        let choice = self.schedule.choose(&options);
        self.trace.choice(choice);
        let is_preempted = current.is_some();
        match choice {
            Choice::Go(actor) => {
                if is_preempted && current.is_some_and(|(me, _)| me != actor) {
                    self.preemptions = self.preemptions.saturating_sub(1);
                }
                self.turn = Turn::Actor(actor);
            }
            Choice::Expire(actor) => {
                if is_preempted {
                    self.preemptions = self.preemptions.saturating_sub(1);
                }
                self.timeouts = self.timeouts.saturating_sub(1);
                self.expire(actor);
            }
            Choice::Wait(actor) => {
                self.expire(actor);
                if self.clock > LONGEST && !bounds.expects_timeouts {
                    self.fail(format!("after {:?} somebody still waits", self.clock));
                }
            }
            Choice::Kill(actor) => {
                self.deaths = self.deaths.saturating_sub(1);
                self.turn = Turn::Kill(actor, current);
            }
            Choice::End => self.turn = Turn::Over,
        }
    }

    pub(super) fn expire(&mut self, actor: usize) {
        if let Some(until) = self.until(actor) {
            self.clock = self.clock.max(until);
        }
        self.actors[actor].status = Status::Ready;
        self.turn = Turn::Actor(actor);
    }

    /// When an actor's wait is over at the latest.
    pub(super) fn until(&self, actor: usize) -> Option<Duration> {
        match self.actors[actor].status {
            Status::Asleep { until, .. } => Some(until),
            _ => None,
        }
    }

    pub(super) fn can_go(&self, actor: usize) -> bool {
        self.actors[actor].status == Status::Ready
    }

    pub(super) fn can_die(&self, actor: usize, bounds: &Bounds) -> bool {
        self.deaths > 0
            && bounds.mortal & 1 << actor != 0
            && self.actors[actor].status != Status::Dead
    }

    /// What can happen at a step: first of all that it is taken.
    pub(super) fn options_at(&mut self, me: usize, step: &Step, bounds: &Bounds) -> Vec<Choice> {
        let mut options = vec![Choice::Go(me)];
        let others = || (0..self.actors.len()).filter(|other| *other != me);
        if self.preemptions > 0 && (step.act == Act::Pause || self.uses.are_open(step.word)) {
            options.extend(others().filter(|it| self.can_go(*it)).map(Choice::Go));
            options.extend(
                others()
                    .filter(|it| self.can_expire(*it))
                    .map(Choice::Expire),
            );
        }
        if self.can_die(me, bounds) {
            options.push(Choice::Kill(me));
        }
        // Whose death makes a difference to this step?
        let matters = |other: usize| match step.act {
            Act::Ask => true,
            Act::Wake => {
                matches!(self.actors[other].status, Status::Asleep { word, .. } if word == step.word)
            }
            _ => false,
        };
        let victims = others().filter(|it| matters(*it) && self.can_die(*it, bounds));
        options.extend(victims.map(Choice::Kill));
        options
    }

    /// What can happen when no actor is at a step.
    pub(super) fn options_between(&self, bounds: &Bounds) -> Result<Vec<Choice>, String> {
        let all = || 0..self.actors.len();
        let mut options: Vec<_> = all()
            .filter(|it| self.can_go(*it))
            .map(Choice::Go)
            .collect();
        let is_over =
            |actor: &usize| matches!(self.actors[*actor].status, Status::Finished | Status::Dead);
        if options.is_empty() {
            if all().all(|actor| is_over(&actor)) {
                options.push(Choice::End);
            } else if self.dead == 0 && !bounds.expects_timeouts {
                return Err(self.deadlock());
            } else {
                let first = all()
                    .filter_map(|actor| Some((self.until(actor)?, actor)))
                    .min();
                let Some((_, actor)) = first else {
                    return Err(self.deadlock());
                };
                options.push(Choice::Wait(actor));
            }
        } else {
            options.extend(all().filter(|it| self.can_expire(*it)).map(Choice::Expire));
        }
        // One that is ready was asked about this at its step.
        let may_die = all().filter(|it| self.actors[*it].status != Status::Ready);
        options.extend(
            may_die
                .filter(|it| self.can_die(*it, bounds))
                .map(Choice::Kill),
        );
        Ok(options)
    }

    pub(super) fn can_expire(&self, actor: usize) -> bool {
        self.timeouts > 0 && self.until(actor).is_some()
    }

    pub(super) fn deadlock(&self) -> String {
        let mut text = "somebody waits for ever:".to_owned();
        for (actor, Actor { status, .. }) in self.actors.iter().enumerate() {
            let _ = write!(text, " actor {actor} is {status:?};");
        }
        text
    }
}
