//! A place in the source where spans or events come from, in words.

use tracing_core::Level;

use super::packet::{Packet, Reader};

/// How many fields a span or an event has at most.
const MOST_FIELDS: u32 = 256;

/// What is known of a callsite. The program that reads it has the same, but another process is not believed
/// when it names one by its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Description<T> {
    pub(super) is_span: bool,
    pub(super) level: Level,
    pub(super) name: T,
    pub(super) target: T,
    pub(super) module: Option<T>,
    pub(super) file: Option<T>,
    pub(super) line: Option<u32>,
    pub(super) fields: Vec<T>,
}

impl<T: AsRef<str>> Description<T> {
    /// Writes it as a part of its own, behind its length.
    pub(super) fn write(&self, packet: &mut Packet) {
        packet.part(|packet| {
            packet.byte(u8::from(self.is_span));
            packet.byte(level_number(self.level));
            packet.name(self.name.as_ref());
            packet.name(self.target.as_ref());
            packet.name(self.module.as_ref().map_or("", AsRef::as_ref));
            packet.name(self.file.as_ref().map_or("", AsRef::as_ref));
            packet.number(self.line.map_or(0, |line| line.saturating_add(1)));
            packet.number(u32::try_from(self.fields.len()).unwrap_or(u32::MAX));
            for field in &self.fields {
                packet.name(field.as_ref());
            }
        });
    }
}

impl Description<String> {
    /// Reads what is written in a part.
    pub(super) fn read(part: &[u8]) -> Option<Description<String>> {
        let mut reader = Reader::over(part);
        let is_span = reader.byte()? != 0;
        let level = level(reader.byte()?)?;
        let (name, target) = (reader.text()?, reader.text()?);
        let some = |text: String| (!text.is_empty()).then_some(text);
        let (module, file) = (some(reader.text()?), some(reader.text()?));
        let line = reader.number()?.checked_sub(1);
        let count = reader.number()?;
        if count > MOST_FIELDS {
            return None;
        }
        let fields = (0..count).map(|_| reader.text()).collect::<Option<_>>()?;
        Some(Description {
            is_span,
            level,
            name,
            target,
            module,
            file,
            line,
            fields,
        })
    }
}

/// As the crate `log` numbers them: 1 is an error.
pub(super) fn level_number(level: Level) -> u8 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

pub(super) fn level(number: u8) -> Option<Level> {
    Some(match number {
        1 => Level::ERROR,
        2 => Level::WARN,
        3 => Level::INFO,
        4 => Level::DEBUG,
        5 => Level::TRACE,
        _ => return None,
    })
}
