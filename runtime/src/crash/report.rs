//! What a process has noted that crashes, or is asked where it is.

use std::ops::Range;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::sys::signal;

/// The notes of a process that crashed, or was asked where it is, as they arrived. `sys/linux/crash`
/// writes them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct CrashReport {
    event: Option<Vec<u8>>,
    places: Option<Vec<u8>>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) signal: i32,
    pub(super) code: i32,
    /// What could not be used, or the instruction.
    pub(super) address: usize,
    /// The number of the system call that a filter has refused.
    pub(super) system_call: Option<u64>,
    /// The address of the instruction.
    pub(super) instruction: u64,
    /// Who uses these addresses has no stack left. Empty if they are not known.
    guard: Range<u64>,
    pub(super) program: Program,
    pub(super) thread: String,
}

/// Where the program lay in the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Program {
    /// What was added to the addresses in its file.
    pub(super) bias: u64,
    pub(super) addresses: Range<u64>,
}

/// The functions that were running.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// The instruction, and the return addresses in the order in which they would be returned to.
    pub(super) addresses: Vec<u64>,
    /// The files that they lie in, but for the program.
    pub(super) modules: Vec<Module>,
}

/// A part of a file in the memory of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Module {
    pub(super) addresses: Range<u64>,
    /// Where in the file it begins.
    pub(super) offset: u64,
    pub(super) path: PathBuf,
}

impl CrashReport {
    /// Takes in the note of what happened. A process makes one: what comes after that is nonsense.
    pub(crate) fn add_event(&mut self, note: &[u8]) {
        self.event.get_or_insert_with(|| note.to_vec());
    }

    /// Takes in the note of where, likewise.
    pub(crate) fn add_places(&mut self, note: &[u8]) {
        self.places.get_or_insert_with(|| note.to_vec());
    }

    /// Whether the process has told of this signal.
    pub(crate) fn is_of(&self, signal: i32) -> bool {
        self.event().is_some_and(|event| event.signal == signal)
    }

    /// Whether the process was asked where it is, and has told all: it waits to be killed.
    pub(crate) fn has_answered(&self) -> bool {
        self.places.is_some() && self.is_of(signal::INQUIRY)
    }

    /// What happened, if the process could tell.
    pub(super) fn event(&self) -> Option<Event> {
        let rest = &mut self.event.as_deref()?;
        let signal = i32::try_from(number(rest)?).ok()?;
        let code = i32::try_from(number(rest)?.cast_signed()).ok()?;
        let address = usize::try_from(number(rest)?).ok()?;
        let system_call = number(rest)?;
        Some(Event {
            signal,
            code,
            address,
            system_call: system_call.checked_sub(1),
            instruction: number(rest)?,
            guard: number(rest)?..number(rest)?,
            program: Program {
                bias: number(rest)?,
                addresses: number(rest)?..number(rest)?,
            },
            thread: text(rest.split(|byte| *byte == 0).next()?),
        })
    }

    /// Where, likewise.
    pub(super) fn places(&self) -> Option<Places> {
        let rest = &mut self.places.as_deref()?;
        let count = usize::try_from(number(rest)?).ok()?;
        let addresses = (0..count).map_while(|_| number(rest)).collect();
        let modules = std::iter::from_fn(|| module(rest)).collect();
        Some(Places { addresses, modules })
    }
}

impl Event {
    /// Whether the thread had no stack left.
    pub(super) fn is_stack_overflow(&self) -> bool {
        self.guard.contains(&(self.address as u64))
    }

    /// Where it happened, if no more is known.
    pub(super) fn instruction_only(&self) -> Places {
        Places {
            addresses: vec![self.instruction],
            modules: Vec::new(),
        }
    }
}

fn module(rest: &mut &[u8]) -> Option<Module> {
    let addresses = number(rest)?..number(rest)?;
    let offset = number(rest)?;
    let length = usize::try_from(number(rest)?).ok()?;
    let (path, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(Module {
        addresses,
        offset,
        path: text(path).into(),
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (bytes, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(u64::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(numbers: &[u64], end: &[u8]) -> Vec<u8> {
        let numbers = numbers.iter().flat_map(|number| number.to_ne_bytes());
        numbers.chain(end.iter().copied()).collect()
    }

    #[test]
    fn the_first_note_of_each_kind_counts() {
        let mut report = CrashReport::default();
        assert_eq!((report.event(), report.places()), (None, None));
        let event = [11, 1, 0x10, 0, 0x55, 0x100, 0x200, 0x50, 0x51, 0x60];
        report.add_event(&note(&event, b"decode\0\0"));
        report.add_event(&note(&[6; 10], b"other\0"));
        let event = report.event().unwrap();
        assert_eq!((event.signal, event.code, event.address), (11, 1, 0x10));
        assert_eq!(event.system_call, None);
        assert_eq!(event.instruction, 0x55);
        assert_eq!(event.program.addresses, 0x51..0x60);
        assert_eq!(event.thread, "decode");
        assert!(!event.is_stack_overflow());
        assert!(
            Event {
                address: 0x100,
                ..event
            }
            .is_stack_overflow()
        );

        let module = [0x700, 0x800, 0x20, 4];
        let places = [&[2, 0x55, 0x705][..], &module].concat();
        report.add_places(&note(&places, b"/a/b"));
        let places = report.places().unwrap();
        assert_eq!(places.addresses, [0x55, 0x705]);
        assert_eq!(places.modules.len(), 1);
        assert_eq!(places.modules[0].path, PathBuf::from("/a/b"));
    }

    #[test]
    fn what_is_cut_short_gives_what_there_is_or_nothing() {
        let event = note(
            &[11, 1, 0x10, 0, 0x55, 0x100, 0x200, 0x50, 0x51, 0x60],
            b"a\0",
        );
        for length in 0..event.len() - 2 {
            let mut report = CrashReport::default();
            report.add_event(&event[..length]);
            assert_eq!(report.event(), None);
        }
        let mut report = CrashReport::default();
        report.add_places(&note(&[u64::MAX, 1, 2, 3], b"four"));
        assert_eq!(report.places().unwrap().addresses, [1, 2, 3]);
    }
}
