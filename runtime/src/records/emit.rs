//! Handing what children have logged to the loggers of this process.

#[cfg(feature = "tracing")]
use std::collections::HashMap;

#[cfg(feature = "tracing")]
use tracing_core::{Dispatch, LevelFilter, dispatcher};

#[cfg(feature = "tracing")]
use super::callsites::Callsites;
#[cfg(feature = "log")]
use super::log_record::{self, Worker};
use super::packet::{Kind, Reader};
#[cfg(feature = "tracing")]
use super::spans::Spans;

/// Whose records they are.
#[derive(Debug)]
pub(super) struct Origin {
    name: String,
    process: u32,
    #[cfg_attr(
        not(feature = "tracing"),
        expect(dead_code, reason = "there is one logger")
    )]
    audience: Audience,
}

/// Who is to be told of a child: the subscriber of the thread that makes this.
#[derive(Debug, Clone)]
pub(crate) struct Audience {
    #[cfg(feature = "tracing")]
    dispatch: Dispatch,
}

#[cfg_attr(
    not(feature = "tracing"),
    expect(clippy::derivable_impls, reason = "there is one logger")
)]
impl Default for Audience {
    fn default() -> Audience {
        Audience {
            #[cfg(feature = "tracing")]
            dispatch: dispatcher::get_default(Dispatch::clone),
        }
    }
}

impl Origin {
    pub(super) fn new(name: &str, process: u32, audience: Audience) -> Origin {
        Origin {
            name: name.to_owned(),
            process,
            audience,
        }
    }

    pub(super) fn process(&self) -> u32 {
        self.process
    }

    #[cfg(feature = "log")]
    fn worker<'w>(&'w self, task: &'w str) -> Worker<'w> {
        Worker {
            name: &self.name,
            process: self.process,
            task,
        }
    }
}

/// What the collector's thread knows of what children have told.
#[derive(Debug, Default)]
pub(super) struct Emitter {
    #[cfg(feature = "tracing")]
    callsites: Callsites,
    #[cfg(feature = "tracing")]
    spans: HashMap<u64, Spans>,
}

impl Emitter {
    /// Hands on what is in a packet of the feed with this key. User code runs, and may panic.
    pub(super) fn emit(&mut self, key: u64, origin: &Origin, packet: &[u8]) {
        let Some((head, reader)) = Reader::open(packet) else {
            // Something in the child has written to a descriptor that is not its own.
            return self.lost(key, origin, 1);
        };
        if head.lost > 0 {
            self.lost(key, origin, head.lost);
        }
        let is_sound = match head.kind {
            Kind::Lost => true,
            #[cfg(feature = "log")]
            Kind::Record => log_record::emit(&origin.worker(&head.task), reader).is_some(),
            #[cfg(feature = "tracing")]
            kind => {
                let (spans, callsites) = self.spans(key, origin);
                spans.emit(kind, &head.task, reader, callsites).is_some()
            }
        };
        if !is_sound {
            self.lost(key, origin, 1);
        }
    }

    /// Says that records of a child were dropped, to one of the loggers. User code runs, and may
    /// panic.
    #[cfg_attr(
        not(feature = "tracing"),
        expect(clippy::unused_self, unused_variables, reason = "there is one logger")
    )]
    pub(super) fn lost(&mut self, key: u64, origin: &Origin, count: u32) {
        if cfg!(not(feature = "log")) || has_subscriber() {
            #[cfg(feature = "tracing")]
            {
                let (spans, callsites) = self.spans(key, origin);
                spans.warn_of_lost(count, callsites);
            }
        } else {
            #[cfg(feature = "log")]
            log_record::warn_of_lost(&origin.worker(""), count);
        }
    }

    /// Closes what is open of a child that has ended. User code runs, and may panic.
    #[cfg_attr(
        not(feature = "tracing"),
        expect(clippy::unused_self, unused_variables, reason = "nothing is open")
    )]
    pub(super) fn end(&mut self, key: u64) {
        #[cfg(feature = "tracing")]
        if let Some(mut spans) = self.spans.remove(&key) {
            spans.end();
        }
    }

    #[cfg(feature = "tracing")]
    fn spans(&mut self, key: u64, origin: &Origin) -> (&mut Spans, &mut Callsites) {
        let spans = self
            .spans
            .entry(key)
            .or_insert_with(|| Spans::new(&origin.name, origin.process, &origin.audience.dispatch));
        (spans, &mut self.callsites)
    }
}

/// Whether there is a subscriber that wants anything.
fn has_subscriber() -> bool {
    #[cfg(feature = "tracing")]
    return LevelFilter::current() != LevelFilter::OFF;
    #[cfg(not(feature = "tracing"))]
    false
}

#[cfg(all(test, feature = "tracing"))]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    use tracing_core::{Event, Level, Subscriber, span};
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
    use tracing_subscriber::registry::LookupSpan;

    use super::*;
    use crate::records::description::Description;
    use crate::records::packet::{Packet, Value};

    /// Counts the spans that are open, and events.
    #[derive(Clone, Default)]
    struct Counts {
        open: Arc<AtomicU32>,
        events: Arc<AtomicU32>,
    }

    impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Counts {
        fn on_new_span(&self, _: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
            self.open.fetch_add(1, SeqCst);
        }

        fn on_close(&self, _: span::Id, _: Context<'_, S>) {
            self.open.fetch_sub(1, SeqCst);
        }

        fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
            self.events.fetch_add(1, SeqCst);
        }
    }

    fn packet(kind: Kind, numbers: &[u64]) -> Packet {
        let mut packet = Packet::new(kind, "task");
        for number in numbers {
            packet.long_number(*number);
        }
        if matches!(kind, Kind::Span | Kind::Event) {
            let description = Description {
                is_span: kind == Kind::Span,
                level: Level::INFO,
                name: "name",
                target: "target",
                module: None,
                file: None,
                line: None,
                fields: vec!["message", "number"],
            };
            description.write(&mut packet);
            for place in [0, 1, 2, u32::MAX] {
                packet.byte(1);
                packet.number(place);
                packet.value(&Value::Unsigned(7));
            }
        }
        packet
    }

    fn check(test: impl FnOnce(&mut dyn FnMut(&[u8]), &Counts)) {
        let counts = Counts::default();
        let subscriber = tracing_subscriber::registry().with(counts.clone());
        let dispatch = Dispatch::new(subscriber);
        let origin =
            dispatcher::with_default(&dispatch, || Origin::new("worker", 7, Audience::default()));
        let mut emitter = Emitter::default();
        test(&mut |bytes| emitter.emit(3, &origin, bytes), &counts);
        emitter.end(3);
        assert_eq!(counts.open.load(SeqCst), 0);
        assert!(emitter.spans.is_empty());
    }

    #[test]
    fn what_a_child_leaves_open_is_closed() {
        check(|emit, counts| {
            emit(packet(Kind::Span, &[1, 0]).bytes());
            emit(packet(Kind::Span, &[2, 1]).bytes());
            emit(packet(Kind::Enter, &[2]).bytes());
            emit(packet(Kind::Enter, &[2]).bytes());
            emit(packet(Kind::Exit, &[2]).bytes());
            emit(packet(Kind::Event, &[2]).bytes());
            // With the one of the worker.
            assert_eq!(counts.open.load(SeqCst), 3);
            assert_eq!(counts.events.load(SeqCst), 1);
        });
    }

    #[test]
    fn what_refers_to_nothing_is_the_workers() {
        check(|emit, counts| {
            for kind in [Kind::Enter, Kind::Exit, Kind::Close, Kind::Values] {
                emit(packet(kind, &[9]).bytes());
            }
            emit(packet(Kind::Follows, &[9, 8]).bytes());
            emit(packet(Kind::Event, &[9]).bytes());
            // Each is the other's parent, one is there twice, and one is its own.
            for numbers in [[1, 2], [2, 1], [1, 2], [3, 3]] {
                emit(packet(Kind::Span, &numbers).bytes());
            }
            emit(packet(Kind::Close, &[2]).bytes());
            emit(packet(Kind::Event, &[1]).bytes());
            emit(packet(Kind::Exit, &[1]).bytes());
            // The second holds the first, and is held by what took that one's number.
            assert_eq!(counts.open.load(SeqCst), 5);
            assert_eq!(counts.events.load(SeqCst), 2);
        });
    }

    #[test]
    fn what_is_damaged_does_no_harm() {
        check(|emit, counts| {
            for kind in Kind::ALL {
                let packet = packet(*kind, &[1, 0]);
                for length in 0..=packet.bytes().len() {
                    emit(&packet.bytes()[..length]);
                }
                for place in 0..packet.bytes().len() {
                    for bit in 0..8 {
                        let mut damaged = packet.bytes().to_vec();
                        damaged[place] ^= 1 << bit;
                        emit(&damaged);
                    }
                }
            }
            assert!(counts.events.load(SeqCst) > 0);
        });
    }
}
