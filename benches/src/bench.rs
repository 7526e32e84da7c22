//! One run: which effort, what was found out so far.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use crate::measure::{Contestant, Effort, race};
use crate::python::Python;
use crate::report::{Aim, Growth, Table, Unit};

/// What groups are given.
pub(crate) struct Bench {
    pub(crate) quick: bool,
    group: &'static str,
    tables: Vec<Table>,
    python: Option<Result<Rc<RefCell<Python>>, String>>,
}

/// A race to be run.
pub(crate) struct Race<'a> {
    pub(crate) title: String,
    /// The contestant that the others are compared with.
    pub(crate) base_line: &'static str,
    pub(crate) contestants: Vec<Contestant<'a>>,
    pub(crate) aims: Vec<Aim>,
}

impl Bench {
    pub(crate) fn new(quick: bool) -> Bench {
        Bench {
            quick,
            group: "",
            tables: Vec::new(),
            python: None,
        }
    }

    pub(crate) fn enter(&mut self, group: &'static str) {
        self.group = group;
    }

    /// Runs a race for time.
    pub(crate) fn race(&mut self, race: Race<'_>) {
        let effort = Effort {
            rounds: 3000,
            time: if self.quick {
                Duration::from_millis(250)
            } else {
                Duration::from_secs(3)
            },
        };
        self.run(race, Unit::Nanoseconds, effort);
    }

    /// Runs a race for time that is one of a series: with so many of what the cost grows along.
    pub(crate) fn step(&mut self, series: &str, at: usize, race: Race<'_>) {
        self.race(race);
        self.place(series, at);
    }

    /// Compares sizes likewise.
    pub(crate) fn weigh_step(&mut self, series: &str, at: usize, race: Race<'_>, rounds: usize) {
        self.weigh(race, rounds);
        self.place(series, at);
    }

    fn place(&mut self, series: &str, at: usize) {
        if let Some(table) = self.tables.last_mut() {
            let series = series.to_owned();
            table.growth = Some(Growth { series, at });
        }
    }

    /// Compares sizes, `rounds` times.
    pub(crate) fn weigh(&mut self, race: Race<'_>, rounds: usize) {
        let effort = Effort {
            rounds,
            time: Duration::MAX,
        };
        self.run(race, Unit::Bytes, effort);
    }

    #[expect(clippy::print_stdout, reason = "tables are printed as they come")]
    fn run(&mut self, contest: Race<'_>, unit: Unit, effort: Effort) {
        let Race {
            title,
            base_line,
            contestants,
            aims,
        } = contest;
        let outcomes = race(contestants, effort);
        let table = Table::new(self.group, title, unit, base_line, outcomes, &aims);
        println!("{}", table.markdown());
        self.tables.push(table);
    }

    /// A contestant in `CPython`: the function `name` of the script, called with `count`, the
    /// number of items that make a sample, and `size`, whatever that means to it.
    pub(crate) fn python(
        &mut self,
        label: &'static str,
        name: &'static str,
        count: usize,
        size: usize,
    ) -> Contestant<'static> {
        let python = self
            .python
            .get_or_insert_with(|| Python::start().map(|python| Rc::new(RefCell::new(python))));
        match python {
            Ok(python) => {
                let python = Rc::clone(python);
                Contestant::sampled(label, move || python.borrow_mut().ask(name, count, size))
            }
            Err(reason) => Contestant::absent(label, reason.clone()),
        }
    }

    pub(crate) fn into_tables(self) -> Vec<Table> {
        self.tables
    }
}
