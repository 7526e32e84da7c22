//! The program, whose log is kept.

use std::io;
use std::sync::{Arc, Mutex};

use super::measure_all;

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

#[test]
fn what_workers_log_is_written_by_the_logger_of_the_program() {
    let memory = Memory::default();
    env_logger::Builder::new()
        .filter_level(log::LevelFilter::Info)
        .target(env_logger::Target::Pipe(Box::new(memory.clone())))
        .init();
    measure_all().unwrap();
    let written = String::from_utf8(memory.0.lock().unwrap().clone()).unwrap();
    let place = |text: &str| {
        written
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {written}"))
    };
    let strange = place("this one looks strange file=broken worker=measurer pid=");
    assert!(strange < place("was killed by SIGABRT"), "{written}");
    assert!(written.contains("there is a file without a name worker=measurer"));
    assert!(written.contains("task=measure"), "{written}");
    assert!(!written.contains("opening"), "{written}");
}
