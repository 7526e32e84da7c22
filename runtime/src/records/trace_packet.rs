//! Spans and events of `tracing`, as the child writes them.
//!
//! | packet | content |
//! |---|---|
//! | span | its number, that of its parent or 0, a [`Description`], values by their place in it |
//! | event | the number of its span or 0, a description, values |
//! | values | the number of a span, and values by name |
//! | enter, exit, close | the number of a span |
//! | follows | the numbers of a span and of the one that it follows from |

use std::fmt::{Debug, Display};

use tracing_core::field::{Field, Visit};
use tracing_core::{Event, Metadata, span};

use super::description::Description;
use super::packet::{Kind, MOST_VALUES, Packet, Value};

/// What happens to a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Enter,
    Exit,
    Close,
}

/// Writes a span that begins. User code runs.
pub(crate) fn span(
    id: &span::Id,
    parent: Option<&span::Id>,
    attributes: &span::Attributes<'_>,
    task: &str,
) -> Packet {
    let mut packet = Packet::new(Kind::Span, task);
    packet.long_number(id.into_u64());
    packet.long_number(parent.map_or(0, span::Id::into_u64));
    describe(attributes.metadata()).write(&mut packet);
    attributes.record(&mut ByPlace::new(&mut packet));
    packet
}

/// Writes an event. User code runs.
pub(crate) fn event(event: &Event<'_>, parent: Option<&span::Id>, task: &str) -> Packet {
    let metadata = event.metadata();
    let mut packet = Packet::new(Kind::Event, task);
    packet.long_number(parent.map_or(0, span::Id::into_u64));
    if let Some(record) = LogRecord::of(event) {
        record.describe(metadata).write(&mut packet);
        event.record(&mut OnlyMessage(ByPlace::new(&mut packet)));
    } else {
        describe(metadata).write(&mut packet);
        event.record(&mut ByPlace::new(&mut packet));
    }
    packet
}

/// Writes values that a span gets. User code runs.
pub(crate) fn values(id: &span::Id, values: &span::Record<'_>, task: &str) -> Packet {
    let mut packet = Packet::new(Kind::Values, task);
    packet.long_number(id.into_u64());
    values.record(&mut ByName(ByPlace::new(&mut packet)));
    packet
}

/// Writes what happens to a span.
pub(crate) fn step(step: Step, id: &span::Id, task: &str) -> Packet {
    let kind = match step {
        Step::Enter => Kind::Enter,
        Step::Exit => Kind::Exit,
        Step::Close => Kind::Close,
    };
    let mut packet = Packet::new(kind, task);
    packet.long_number(id.into_u64());
    packet
}

/// Writes that a span follows from another.
pub(crate) fn follows(id: &span::Id, other: &span::Id, task: &str) -> Packet {
    let mut packet = Packet::new(Kind::Follows, task);
    packet.long_number(id.into_u64());
    packet.long_number(other.into_u64());
    packet
}

fn describe(metadata: &'static Metadata<'static>) -> Description<&'static str> {
    Description {
        is_span: metadata.is_span(),
        level: *metadata.level(),
        name: metadata.name(),
        target: metadata.target(),
        module: metadata.module_path(),
        file: metadata.file(),
        line: metadata.line(),
        fields: metadata.fields().iter().map(|field| field.name()).collect(),
    }
}

/// What `tracing_log` makes of a record of `log`: one callsite for all, and the rest in fields.
#[derive(Debug, Default)]
struct LogRecord {
    target: String,
    module: Option<String>,
    file: Option<String>,
    line: Option<u32>,
}

const LOG_TARGET: &str = "log.target";

impl LogRecord {
    fn of(event: &Event<'_>) -> Option<LogRecord> {
        let metadata = event.metadata();
        let is_one = metadata.name() == "log event"
            && metadata.target() == "log"
            && metadata.fields().field(LOG_TARGET).is_some();
        is_one.then(|| {
            let mut record = LogRecord::default();
            event.record(&mut record);
            record
        })
    }

    fn describe<'r>(&'r self, metadata: &Metadata<'_>) -> Description<&'r str> {
        Description {
            is_span: false,
            level: *metadata.level(),
            name: "log event",
            target: &self.target,
            module: self.module.as_deref(),
            file: self.file.as_deref(),
            line: self.line,
            fields: vec![MESSAGE],
        }
    }
}

impl Visit for LogRecord {
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            LOG_TARGET => value.clone_into(&mut self.target),
            "log.module_path" => self.module = Some(value.to_owned()),
            "log.file" => self.file = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "log.line" {
            self.line = value.try_into().ok();
        }
    }
}

const MESSAGE: &str = "message";

/// Of what `tracing_log` makes, the message is the one field of its own.
struct OnlyMessage<'p>(ByPlace<'p>);

impl Visit for OnlyMessage<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == MESSAGE {
            self.0.write_at(0, &Value::Debug(format_args!("{value:?}")));
        }
    }
}

/// Writes values behind the places of their fields.
struct ByPlace<'p> {
    packet: &'p mut Packet,
    count: usize,
}

impl<'p> ByPlace<'p> {
    fn new(packet: &'p mut Packet) -> ByPlace<'p> {
        ByPlace { packet, count: 0 }
    }

    /// Whether there is room for one more, which is begun then.
    fn begin(&mut self) -> bool {
        let fits = self.count < MOST_VALUES;
        if fits {
            self.count += 1;
            self.packet.byte(1);
        }
        fits
    }

    fn write_at(&mut self, place: usize, value: &Value<'_>) {
        if self.begin() {
            self.packet.number(u32::try_from(place).unwrap_or(u32::MAX));
            self.packet.value(value);
        }
    }
}

/// Writes values behind the names of their fields.
struct ByName<'p>(ByPlace<'p>);

/// Where a value goes.
trait Write {
    fn write(&mut self, field: &Field, value: &Value<'_>);
}

impl Write for ByPlace<'_> {
    fn write(&mut self, field: &Field, value: &Value<'_>) {
        self.write_at(field.index(), value);
    }
}

impl Write for ByName<'_> {
    fn write(&mut self, field: &Field, value: &Value<'_>) {
        if self.0.begin() {
            self.0.packet.name(field.name());
            self.0.packet.value(value);
        }
    }
}

macro_rules! visit {
    ($type:ty) => {
        impl Visit for $type {
            fn record_f64(&mut self, field: &Field, value: f64) {
                self.write(field, &Value::Float(value));
            }

            fn record_i64(&mut self, field: &Field, value: i64) {
                self.write(field, &Value::Signed(value.into()));
            }

            fn record_u64(&mut self, field: &Field, value: u64) {
                self.write(field, &Value::Unsigned(value.into()));
            }

            fn record_i128(&mut self, field: &Field, value: i128) {
                self.write(field, &Value::Signed(value));
            }

            fn record_u128(&mut self, field: &Field, value: u128) {
                self.write(field, &Value::Unsigned(value));
            }

            fn record_bool(&mut self, field: &Field, value: bool) {
                self.write(field, &Value::Bool(value));
            }

            fn record_str(&mut self, field: &Field, value: &str) {
                self.write(field, &Value::Text(format_args!("{value}")));
            }

            fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
                let value: &dyn Display = value;
                self.write(field, &Value::Debug(format_args!("{value}")));
            }

            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                self.write(field, &Value::Debug(format_args!("{value:?}")));
            }
        }
    };
}

visit!(ByPlace<'_>);
visit!(ByName<'_>);
