//! Which of the things that can happen do.

use std::fmt;

/// What can happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The actor takes its next step.
    Go(usize),
    /// Its sleep ends early, and it goes on.
    Expire(usize),
    /// No other actor can go on: this one's sleep comes to its end.
    Wait(usize),
    /// The actor dies.
    Kill(usize),
    /// All are at their end.
    End,
}

/// The decisions of a run, and how far it has come.
#[derive(Debug)]
pub(crate) struct Schedule {
    step: usize,
    /// How many of the decisions were taken again in this run.
    taken: usize,
    decisions: Vec<Decision>,
    /// Only these, wherever decisions are possible.
    fixed: Option<Vec<(usize, Choice)>>,
}

#[derive(Debug, Clone, Copy)]
struct Decision {
    step: usize,
    option: usize,
    options: usize,
    choice: Choice,
}

impl Schedule {
    /// The one in which no actor is interrupted.
    pub(crate) fn first() -> Schedule {
        Schedule {
            step: 0,
            taken: 0,
            decisions: Vec::new(),
            fixed: None,
        }
    }

    /// A schedule as it was printed.
    pub(crate) fn parse(text: &str) -> Option<Schedule> {
        let fixed = text.split_whitespace().map(|word| {
            let sign = word.find(|sign: char| !sign.is_ascii_digit())?;
            let (step, rest) = word.split_at(sign);
            let (sign, actor) = rest.split_at(1);
            let actor = actor.parse().ok()?;
            let choice = match sign {
                ">" => Choice::Go(actor),
                "~" => Choice::Expire(actor),
                "!" => Choice::Kill(actor),
                _ => return None,
            };
            Some((step.parse().ok()?, choice))
        });
        Some(Schedule {
            fixed: Some(fixed.collect::<Option<_>>()?),
            ..Schedule::first()
        })
    }

    /// Counts a step, and says how many there were.
    pub(super) fn step(&mut self) -> usize {
        self.step += 1;
        self.step
    }

    pub(super) fn steps(&self) -> usize {
        self.step
    }

    pub(super) fn is_fixed(&self) -> bool {
        self.fixed.is_some()
    }

    /// Whether a fixed schedule says something about this step.
    pub(super) fn has_choice(&self) -> bool {
        let fixed = self.fixed.iter().flatten();
        fixed.into_iter().any(|(step, _)| *step == self.step)
    }

    /// What happens: the first of the options, unless it was decided otherwise.
    pub(super) fn choose(&mut self, options: &[Choice]) -> Choice {
        if let Some(fixed) = &mut self.fixed {
            let place = fixed.iter().position(|(step, _)| *step == self.step);
            return place.map_or(options[0], |place| fixed.remove(place).1);
        }
        if options.len() == 1 {
            return options[0];
        }
        if let Some(known) = self.decisions.get(self.taken) {
            assert!(
                known.options == options.len() && known.step == self.step,
                "the actors do not do the same each time: {known:?}, now {options:?}"
            );
        } else {
            self.decisions.push(Decision {
                step: self.step,
                option: 0,
                options: options.len(),
                choice: options[0],
            });
        }
        let decision = &mut self.decisions[self.taken];
        decision.choice = options[decision.option];
        self.taken += 1;
        decision.choice
    }

    /// Goes on to the next schedule; false if there is none.
    pub(super) fn advance(&mut self) -> bool {
        (self.step, self.taken) = (0, 0);
        while let Some(mut last) = self.decisions.pop() {
            last.option += 1;
            if last.option < last.options {
                self.decisions.push(last);
                return true;
            }
        }
        false
    }
}

/// The decisions that were not to go on as if nothing had been.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut space = "";
        for decision in self.decisions.iter().filter(|it| it.option > 0) {
            let (sign, actor) = match decision.choice {
                Choice::Go(actor) => ('>', actor),
                Choice::Expire(actor) | Choice::Wait(actor) => ('~', actor),
                Choice::Kill(actor) => ('!', actor),
                Choice::End => continue,
            };
            write!(f, "{space}{}{sign}{actor}", decision.step)?;
            space = " ";
        }
        Ok(())
    }
}
