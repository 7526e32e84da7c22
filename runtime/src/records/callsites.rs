//! Callsites of other processes, as those of this one.
//!
//! Subscribers know a callsite by its address, keep what they think of it, and expect it to stay. One
//! of another process is found by all that is known of it, made when it is first met, and kept
//! for ever: as often as there are callsites in the program, not as there are events. A process that is sick
//! could make up many, so there is a limit, beyond which they are all one.
//!
//! Their addresses would be shorter, since all processes run the same image. But then memory of this
//! process would be believed to be a callsite because another one says so.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use tracing_core::callsite::{self, Callsite, Identifier};
use tracing_core::field::FieldSet;
use tracing_core::metadata::{Kind, Metadata};
use tracing_core::subscriber::Interest;
use tracing_core::{Dispatch, LevelFilter};

use super::description::Description;

/// How many bytes of descriptions are kept.
const MOST: usize = 1 << 20;

/// The target of what the library itself has to say.
pub(super) const TARGET: &str = "multiproc::logging";

/// The callsites that were met.
#[derive(Debug, Default)]
pub(super) struct Callsites {
    known: HashMap<Box<[u8]>, &'static RemoteCallsite>,
    bytes: usize,
}

impl Callsites {
    /// The callsite that is described in these bytes; `None` if they make no sense.
    pub(super) fn find(&mut self, part: &[u8]) -> Option<&'static RemoteCallsite> {
        if let Some(known) = self.known.get(part) {
            return Some(known);
        }
        let description = Description::read(part)?;
        if self.bytes + part.len() > MOST {
            return Some(beyond(&description));
        }
        self.bytes += part.len();
        let made = RemoteCallsite::make(description);
        self.known.insert(part.into(), made);
        Some(made)
    }
}

/// The one that stands for those for which there is no room.
fn beyond(description: &Description<String>) -> &'static RemoteCallsite {
    static BEYOND: [[OnceLock<&'static RemoteCallsite>; 2]; 6] =
        [const { [const { OnceLock::new() }; 2] }; 6];
    let number = usize::from(super::description::level_number(description.level));
    BEYOND[number][usize::from(description.is_span)].get_or_init(|| {
        RemoteCallsite::make(Description {
            is_span: description.is_span,
            level: description.level,
            name: "one of too many".to_owned(),
            target: TARGET.to_owned(),
            module: None,
            file: None,
            line: None,
            fields: vec!["message".to_owned()],
        })
    })
}

/// A callsite of another process.
#[derive(Debug)]
pub(super) struct RemoteCallsite {
    metadata: OnceLock<Metadata<'static>>,
    interest: AtomicU8,
}

const NEVER: u8 = 0;
const SOMETIMES: u8 = 1;

impl RemoteCallsite {
    /// Makes one, for ever. User code runs: subscribers are asked for their interest.
    pub(super) fn make(description: Description<String>) -> &'static RemoteCallsite {
        let made: &'static RemoteCallsite = Box::leak(Box::new(RemoteCallsite {
            metadata: OnceLock::new(),
            interest: AtomicU8::new(SOMETIMES),
        }));
        let fields: Vec<&'static str> = description.fields.into_iter().map(leak).collect();
        let metadata = Metadata::new(
            leak(description.name),
            leak(description.target),
            description.level,
            description.file.map(leak),
            description.line,
            description.module.map(leak),
            FieldSet::new(Box::leak(fields.into()), Identifier(made)),
            if description.is_span {
                Kind::SPAN
            } else {
                Kind::EVENT
            },
        );
        let _ = made.metadata.set(metadata);
        callsite::register(made);
        made
    }

    pub(super) fn get(&'static self) -> &'static Metadata<'static> {
        // It is set before anything refers to the callsite.
        self.metadata.wait()
    }

    /// Whether a subscriber wants it. To be asked right before it is told: filters of layers remember
    /// what they have answered. User code runs.
    pub(super) fn is_enabled(&'static self, dispatch: &Dispatch) -> bool {
        let metadata = self.get();
        *metadata.level() <= LevelFilter::current()
            && self.interest.load(Relaxed) != NEVER
            // Also if it is always wanted: what filters remember may be of another.
            && dispatch.enabled(metadata)
    }
}

impl Callsite for RemoteCallsite {
    fn set_interest(&self, interest: Interest) {
        let interest = if interest.is_never() {
            NEVER
        } else {
            SOMETIMES
        };
        self.interest.store(interest, Relaxed);
    }

    fn metadata(&self) -> &Metadata<'_> {
        self.metadata.wait()
    }
}

fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

#[cfg(test)]
mod tests {
    use tracing_core::Level;

    use super::*;
    use crate::records::packet::{Kind, Packet, Reader};

    fn described(name: &str) -> Vec<u8> {
        let description = Description {
            is_span: true,
            level: Level::DEBUG,
            name,
            target: "target",
            module: None,
            file: Some("file.rs"),
            line: Some(0),
            fields: vec!["one", "two"],
        };
        let mut packet = Packet::new(Kind::Span, "");
        description.write(&mut packet);
        let (_, mut reader) = Reader::open(packet.bytes()).unwrap();
        reader.part().unwrap().to_vec()
    }

    #[test]
    fn a_callsite_is_made_once() {
        let mut callsites = Callsites::default();
        let first = callsites.find(&described("first")).unwrap();
        let metadata = first.get();
        assert_eq!((metadata.name(), metadata.target()), ("first", "target"));
        assert_eq!(
            (metadata.file(), metadata.line()),
            (Some("file.rs"), Some(0))
        );
        assert_eq!(metadata.module_path(), None);
        assert!(metadata.is_span() && *metadata.level() == Level::DEBUG);
        let fields: Vec<_> = metadata.fields().iter().map(|field| field.name()).collect();
        assert_eq!(fields, ["one", "two"]);
        let again = callsites.find(&described("first")).unwrap();
        assert!(std::ptr::eq(first, again));
        let other = callsites.find(&described("other")).unwrap();
        assert_ne!(metadata.callsite(), other.get().callsite());
    }

    #[test]
    fn what_makes_no_sense_is_no_callsite() {
        let mut callsites = Callsites::default();
        let part = described("first");
        for length in 0..part.len() {
            assert!(callsites.find(&part[..length]).is_none());
        }
        // A number of fields for which there would be no memory.
        let mut part = part;
        let place = part.len() - 2 * (8 + 3) - 4;
        part[place..place + 4].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert!(callsites.find(&part).is_none());
    }

    #[test]
    fn those_for_which_there_is_no_room_are_one() {
        let mut callsites = Callsites {
            bytes: MOST,
            ..Callsites::default()
        };
        let first = callsites.find(&described("first")).unwrap();
        let other = callsites.find(&described("other")).unwrap();
        assert!(std::ptr::eq(first, other));
        assert_eq!(first.get().target(), TARGET);
        assert_eq!(*first.get().level(), Level::DEBUG);
        assert!(callsites.known.is_empty());
    }
}
