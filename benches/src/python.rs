//! `CPython`'s `multiprocessing`, measured by a script of its own that answers requests.
//!
//! It measures by its own clock, so that asking costs it nothing.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::measure::Failable;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/peers.py");

pub(crate) struct Python {
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Python {
    /// The error says why there is none.
    pub(crate) fn start() -> Result<Python, String> {
        let mut process = Command::new("python3")
            .arg(SCRIPT)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("no python3: {error}"))?;
        match (process.stdin.take(), process.stdout.take()) {
            (requests @ Some(_), Some(answers)) => Ok(Python {
                process,
                requests,
                answers: BufReader::new(answers),
            }),
            _ => Err("no streams to python3".to_owned()),
        }
    }

    /// One sample of a function of the script.
    pub(crate) fn ask(&mut self, name: &str, count: usize, size: usize) -> Failable<f64> {
        let requests = self.requests.as_mut().ok_or("python3 was stopped")?;
        writeln!(requests, "{name} {count} {size}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let answer = answer.trim();
        answer.parse().map_err(|_| match answer {
            "" => "python3 ended".into(),
            text => text.into(),
        })
    }
}

/// The script ends with its requests.
impl Drop for Python {
    fn drop(&mut self) {
        self.requests = None;
        // Nothing depends on how it ended.
        let _ = self.process.wait();
    }
}
