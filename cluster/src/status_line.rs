//! What an agent is doing, as a line on its standard error.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::agent::AgentStatus;

/// How often a number that has changed is worth a line, where lines stay.
const PERIOD: Duration = Duration::from_mins(1);

/// Shows the status of an agent: on a terminal on one line, which is written anew, and elsewhere as a line
/// whenever more than numbers has changed.
///
/// There are no colors in it. An error that is closed is no reason to stop.
pub(crate) struct StatusLine {
    is_terminal: bool,
    /// What was shown last, and when.
    shown: Option<(AgentStatus, Instant)>,
    /// What there was to show last.
    last: Option<AgentStatus>,
}

impl StatusLine {
    pub(crate) fn new() -> StatusLine {
        let is_dumb = std::env::var_os("TERM").is_none_or(|it| it.is_empty() || it == "dumb");
        StatusLine {
            is_terminal: io::stderr().is_terminal() && !is_dumb,
            shown: None,
            last: None,
        }
    }

    pub(crate) fn show(&mut self, status: &AgentStatus) {
        self.last = Some(status.clone());
        if self.is_terminal {
            // One column is left free: some terminals begin a new line when the last is written.
            let line = fit(status, width().saturating_sub(1));
            say(&format!("\r{line}\x1b[K"));
        } else {
            let is_news = self.shown.as_ref().is_none_or(|(shown, when)| {
                !is_like(shown, status) || (shown != status && when.elapsed() >= PERIOD)
            });
            if !is_news {
                return;
            }
            say(&format!("{status}\n"));
        }
        self.shown = Some((status.clone(), Instant::now()));
    }
}

impl Drop for StatusLine {
    /// What stands there in the end is how it ended.
    fn drop(&mut self) {
        let Some((shown, _)) = &self.shown else {
            return;
        };
        if self.is_terminal {
            say("\n");
        } else if let Some(last) = &self.last
            && last != shown
        {
            say(&format!("{last}\n"));
        }
    }
}

/// In one piece: several agents may share what they write to.
fn say(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Whether nothing but numbers has changed.
fn is_like(shown: &AgentStatus, status: &AgentStatus) -> bool {
    let AgentStatus {
        workers,
        is_connected,
        is_stopping,
        trouble,
        ..
    } = shown;
    *workers == status.workers
        && *is_connected == status.is_connected
        && *is_stopping == status.is_stopping
        && trouble.is_some() == status.trouble.is_some()
}

/// A status in so many columns: without the name if need be, and in the end cut.
fn fit(status: &AgentStatus, columns: usize) -> String {
    let whole = harmless(&status.to_string());
    if whole.chars().count() <= columns {
        return whole;
    }
    let rest = whole.strip_prefix(&format!("{}: ", status.name));
    let rest = rest.unwrap_or(&whole);
    if rest.chars().count() <= columns {
        return rest.to_owned();
    }
    let mut cut: String = rest.chars().take(columns.saturating_sub(1)).collect();
    if columns > 0 {
        cut.push('…');
    }
    cut
}

/// What others have said could steer the terminal.
fn harmless(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// The columns of the terminal, which may change.
fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr());
    match size.map_or(0, |size| usize::from(size.ws_col)) {
        // It does not know.
        0 => 80,
        columns => columns,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(trouble: Option<&str>) -> AgentStatus {
        AgentStatus {
            name: "host-1-abcd".to_owned(),
            workers: 4,
            running: 3,
            finished: 120,
            is_connected: true,
            is_stopping: false,
            trouble: trouble.map(str::to_owned),
        }
    }

    #[test]
    fn fits_into_any_terminal() {
        let status = status(Some("the user\nmay not"));
        let whole = "host-1-abcd: 3 running on 4 workers, 120 finished, waits: the user may not";
        assert_eq!(fit(&status, whole.len()), whole);
        assert_eq!(
            fit(&status, whole.len() - 1),
            &whole["host-1-abcd: ".len()..]
        );
        assert_eq!(fit(&status, 10), "3 running…");
        for columns in 0..100 {
            assert!(fit(&status, columns).chars().count() <= columns);
        }
    }

    #[test]
    fn numbers_alone_are_no_news() {
        let mut later = status(None);
        later.finished += 1;
        later.running = 0;
        assert!(is_like(&status(None), &later));
        assert!(!is_like(&status(None), &status(Some("the server"))));
        later.is_stopping = true;
        assert!(!is_like(&status(None), &later));
    }
}
