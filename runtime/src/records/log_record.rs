//! A record of the crate `log`, on its way.

use std::fmt;

use log::kv::{self, Key, Source, VisitSource, VisitValue};
use log::{Level, LevelFilter, Record};

use super::packet::{Kind, MOST_VALUES, OwnedValue, Packet, Reader, Value};

/// The target of what the library itself has to say.
const TARGET: &str = "multiproc::logging";

/// Who has logged something.
#[derive(Debug)]
pub(super) struct Worker<'w> {
    pub(super) name: &'w str,
    pub(super) process: u32,
    /// The function that it ran.
    pub(super) task: &'w str,
}

/// Writes a record that was logged while the process ran this task. User code runs.
pub(crate) fn packet(record: &Record<'_>, task: &str) -> Packet {
    let mut packet = Packet::new(Kind::Record, task);
    packet.byte(record.level() as u8);
    packet.name(record.target());
    packet.name(record.module_path().unwrap_or_default());
    packet.name(record.file().unwrap_or_default());
    packet.number(record.line().map_or(0, |line| line.saturating_add(1)));
    packet.text(*record.args());
    let mut pairs = Pairs {
        packet: &mut packet,
        count: 0,
    };
    // An error is that of a value, which is not there then.
    let _ = record.key_values().visit(&mut pairs);
    packet
}

/// Hands a record to the logger of this process, with the worker's name, process id and task as key-values
/// behind its own. `None` if it is not one. User code runs.
pub(super) fn emit(worker: &Worker<'_>, mut reader: Reader<'_>) -> Option<()> {
    let level = level(reader.byte()?)?;
    let target = reader.text()?;
    let module = some_text(reader.text()?);
    let file = some_text(reader.text()?);
    let line = reader.number()?.checked_sub(1);
    let message = reader.text()?;
    let mut pairs = Vec::new();
    while let Some(is_pair) = reader.byte() {
        if is_pair != 1 {
            return None;
        }
        pairs.push((reader.text()?, reader.value()?));
    }
    let place = Place { module, file, line };
    hand_on(
        level,
        &target,
        &place,
        &message,
        &Received { pairs, worker },
    );
    Some(())
}

/// Says that so many records of a worker were dropped. User code runs.
pub(super) fn warn_of_lost(worker: &Worker<'_>, count: u32) {
    let records = if count == 1 { "record" } else { "records" };
    let Worker { name, process, .. } = worker;
    let message = format!(
        "{count} {records} of worker `{name}` (pid {process}) {} dropped: the logger was slower than the worker",
        if count == 1 { "was" } else { "were" }
    );
    let place = Place::default();
    let pairs = vec![("dropped".to_owned(), OwnedValue::Unsigned(count.into()))];
    hand_on(
        Level::Warn,
        TARGET,
        &place,
        &message,
        &Received { pairs, worker },
    );
}

/// Where something was logged.
#[derive(Debug, Default)]
struct Place {
    module: Option<String>,
    file: Option<String>,
    line: Option<u32>,
}

fn hand_on(level: Level, target: &str, place: &Place, message: &str, pairs: &Received<'_>) {
    if level > log::max_level() {
        return;
    }
    let logger = log::logger();
    let metadata = log::Metadata::builder().level(level).target(target).build();
    if logger.enabled(&metadata) {
        let mut record = Record::builder();
        record
            .metadata(metadata)
            .module_path(place.module.as_deref())
            .file(place.file.as_deref())
            .line(place.line)
            .key_values(pairs);
        logger.log(&record.args(format_args!("{message}")).build());
    }
}

/// A text, unless it is empty.
fn some_text(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn level(number: u8) -> Option<Level> {
    LevelFilter::iter().nth(usize::from(number))?.to_level()
}

/// Writes key-values.
struct Pairs<'p> {
    packet: &'p mut Packet,
    count: usize,
}

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        if self.count < MOST_VALUES {
            self.count += 1;
            self.packet.byte(1);
            self.packet.name(key.as_str());
            let mut written = OneValue(Some(self.packet));
            if value.visit(&mut written).is_err() {
                written.write(&Value::Null);
            }
        }
        Ok(())
    }
}

/// Writes one value, once.
struct OneValue<'p>(Option<&'p mut Packet>);

impl OneValue<'_> {
    fn write(&mut self, value: &Value<'_>) {
        if let Some(packet) = self.0.take() {
            packet.value(value);
        }
    }
}

impl VisitValue<'_> for OneValue<'_> {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        self.write(&Value::Text(format_args!("{value}")));
        Ok(())
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        self.write(&Value::Null);
        Ok(())
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        self.write(&Value::Unsigned(value.into()));
        Ok(())
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        self.write(&Value::Signed(value.into()));
        Ok(())
    }

    fn visit_u128(&mut self, value: u128) -> Result<(), kv::Error> {
        self.write(&Value::Unsigned(value));
        Ok(())
    }

    fn visit_i128(&mut self, value: i128) -> Result<(), kv::Error> {
        self.write(&Value::Signed(value));
        Ok(())
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
        self.write(&Value::Float(value));
        Ok(())
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        self.write(&Value::Bool(value));
        Ok(())
    }

    fn visit_str(&mut self, value: &str) -> Result<(), kv::Error> {
        self.write(&Value::Text(format_args!("{value}")));
        Ok(())
    }
}

/// The key-values of a record that was received, and those that say whose it is.
struct Received<'w> {
    pairs: Vec<(String, OwnedValue)>,
    worker: &'w Worker<'w>,
}

impl Source for Received<'_> {
    fn visit<'kvs>(&'kvs self, visitor: &mut dyn VisitSource<'kvs>) -> Result<(), kv::Error> {
        for (key, value) in &self.pairs {
            visitor.visit_pair(Key::from_str(key), as_value(value))?;
        }
        let Worker {
            name,
            process,
            task,
        } = self.worker;
        visitor.visit_pair(Key::from_str("worker"), kv::Value::from(*name))?;
        visitor.visit_pair(Key::from_str("pid"), kv::Value::from(*process))?;
        if !task.is_empty() {
            visitor.visit_pair(Key::from_str("task"), kv::Value::from(*task))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("pairs", &self.pairs)
            .finish_non_exhaustive()
    }
}

/// Numbers of usual sizes are what most loggers know.
fn as_value(value: &OwnedValue) -> kv::Value<'_> {
    match value {
        OwnedValue::Null => kv::Value::null(),
        OwnedValue::Signed(number) => match i64::try_from(*number) {
            Ok(number) => kv::Value::from(number),
            Err(_) => kv::Value::from(*number),
        },
        OwnedValue::Unsigned(number) => match u64::try_from(*number) {
            Ok(number) => kv::Value::from(number),
            Err(_) => kv::Value::from(*number),
        },
        OwnedValue::Float(number) => kv::Value::from(*number),
        OwnedValue::Bool(value) => kv::Value::from(*value),
        OwnedValue::Text(text) => kv::Value::from(text.as_str()),
        #[cfg(feature = "tracing")]
        OwnedValue::Debug(text) => kv::Value::from(text.as_str()),
    }
}
