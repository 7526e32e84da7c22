//! The programs, whose logs are kept.

use std::io;
use std::sync::{Arc, Mutex};

use super::{with_log, with_tracing};

/// Keeps what is written.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Memory {
    /// What is written has these texts in this order.
    #[track_caller]
    fn check(&self, texts: &[&str]) {
        let written = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let mut rest = written.as_str();
        for text in texts {
            let place = rest.find(text);
            let place =
                place.unwrap_or_else(|| panic!("{text} is not where it should be: {written}"));
            rest = &rest[place..];
        }
        assert!(!written.contains("opening"), "{written}");
    }
}

#[test]
fn what_workers_log_is_written_by_the_logger_of_the_program() {
    let memory = Memory::default();
    env_logger::Builder::new()
        .filter_level(log::LevelFilter::Info)
        .target(env_logger::Target::Pipe(Box::new(memory.clone())))
        .init();
    with_log::measure_all().unwrap();
    memory.check(&[
        "this one looks strange file=broken worker=measurer pid=",
        "task=measure",
        "was killed by SIGABRT",
    ]);
    memory.check(&[
        "there is a file without a name worker=measurer",
        "\"four\" has a length of 4",
    ]);
}

#[test]
fn what_workers_trace_is_written_by_the_subscriber_of_the_program() {
    let memory = Memory::default();
    let writer = memory.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .with_writer(move || writer.clone())
        .finish();
    // The pool tells it, too: it is made here.
    tracing::subscriber::with_default(subscriber, || with_tracing::measure_all().unwrap());
    memory.check(&[
        "worker{name=measurer pid=",
        "}:measuring{file=\"broken\"}: ",
        "this one looks strange",
        "was killed by SIGABRT",
    ]);
    memory.check(&[
        "}:measuring{file=\"\"}: ",
        "there is a file without a name",
        "measured file=\"four\" length=4",
    ]);
}
