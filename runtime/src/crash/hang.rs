//! Where a worker was when it had to be killed.

use std::sync::OnceLock;

use super::report::{CrashReport, Event};
use super::stack::Stack;
use crate::sys::signal;

/// Where a worker was that was asked before it was killed.
#[derive(Debug)]
pub(crate) struct Hang {
    event: Event,
    report: CrashReport,
    stack: OnceLock<Stack>,
}

impl Hang {
    /// What a process has told that was asked; `None` if that was nothing.
    pub(crate) fn new(report: CrashReport) -> Option<Hang> {
        let event = report.event()?;
        (event.signal == signal::INQUIRY).then(|| Hang {
            event,
            report,
            stack: OnceLock::new(),
        })
    }

    /// What the process has noted.
    pub(crate) fn report(&self) -> &CrashReport {
        &self.report
    }

    /// The function to look at first, and its place.
    pub(crate) fn place(&self) -> Option<&str> {
        self.stack().place()
    }

    /// The functions that were running, the innermost first.
    pub(crate) fn backtrace(&self) -> Option<&str> {
        self.stack().text()
    }

    fn stack(&self) -> &Stack {
        self.stack
            .get_or_init(|| Stack::of_hang(&self.event, &self.report))
    }
}
