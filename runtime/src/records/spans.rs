//! The spans and events of a child, in the subscriber of this process.
//!
//! All that a child tells is within a span `worker` with its name, process id and task; another task is another
//! such span. Spans of the child become spans here, which are closed when the child closes them, or
//! has ended. A packet may have been dropped: what refers to a span that is not known is put
//! where that would have been, under `worker`.

use std::collections::HashMap;
use std::fmt;

use tracing_core::dispatcher::{self, Dispatch};
use tracing_core::field::{self, Value};
use tracing_core::subscriber::NoSubscriber;
use tracing_core::{Event, Level, span};

use super::callsites::{Callsites, RemoteCallsite, TARGET};
use super::description::Description;
use super::packet::{Kind, OwnedValue, Packet, Reader};

/// How many spans of a child may be open.
const MOST_SPANS: usize = 10_000;

/// How many spans in a row that the subscriber does not want are passed over.
const MOST_DEPTH: usize = 1000;

/// What a child has told of its spans.
#[derive(Debug)]
pub(super) struct Spans {
    name: String,
    process: u32,
    dispatch: Dispatch,
    worker: Option<WorkerSpan>,
    open: HashMap<u64, OpenSpan>,
}

/// The span of a child and a task of its.
#[derive(Debug)]
struct WorkerSpan {
    task: String,
    /// None, if the subscriber does not want it.
    id: Option<span::Id>,
}

/// A span of a child.
#[derive(Debug)]
struct OpenSpan {
    callsite: &'static RemoteCallsite,
    /// None, if the subscriber does not want it.
    id: Option<span::Id>,
    /// The number of the one that stands in its place then.
    parent: u64,
    /// How often it was entered and not yet exited.
    entered: u32,
}

impl Spans {
    pub(super) fn new(name: &str, process: u32, dispatch: &Dispatch) -> Spans {
        Spans {
            name: name.to_owned(),
            process,
            dispatch: dispatch.clone(),
            worker: None,
            open: HashMap::new(),
        }
    }

    /// Tells the subscriber what is in a packet. `None` if that makes no sense. User code runs.
    pub(super) fn emit(
        &mut self,
        kind: Kind,
        task: &str,
        mut reader: Reader<'_>,
        callsites: &mut Callsites,
    ) -> Option<()> {
        self.within(|spans, dispatch| spans.tell(dispatch, kind, task, &mut reader, callsites))
    }

    /// Says that so many packets of the child were dropped. User code runs.
    pub(super) fn warn_of_lost(&mut self, count: u32, callsites: &mut Callsites) {
        let description = Description {
            is_span: false,
            level: Level::WARN,
            name: "lost",
            target: TARGET,
            module: None,
            file: None,
            line: None,
            fields: vec!["message", "dropped"],
        };
        let mut packet = Packet::new(Kind::Event, "");
        description.write(&mut packet);
        let (Some((_, mut reader)), message) = (
            Reader::open(packet.bytes()),
            "spans and events were dropped: the subscriber was slower than the worker",
        ) else {
            return;
        };
        let callsite = reader.part().and_then(|part| callsites.find(part));
        let values = vec![
            (0, OwnedValue::Debug(message.to_owned())),
            (1, OwnedValue::Unsigned(count.into())),
        ];
        if let Some(callsite) = callsite {
            self.within(|spans, dispatch| {
                let task = spans.worker.as_ref().map(|it| it.task.clone());
                spans.event(dispatch, callsite, 0, &task.unwrap_or_default(), values);
            });
        }
    }

    /// Closes all spans: the child has ended. User code runs.
    pub(super) fn end(&mut self) {
        self.within(|spans, dispatch| {
            for (_, open) in std::mem::take(&mut spans.open) {
                close(dispatch, open);
            }
            if let Some(WorkerSpan { id: Some(id), .. }) = spans.worker.take() {
                dispatch.try_close(id);
            }
        });
    }

    /// Makes the subscriber that of the thread, as its parts expect.
    fn within<T>(&mut self, work: impl FnOnce(&mut Spans, &Dispatch) -> T) -> T {
        if self.dispatch.is::<NoSubscriber>() {
            // There was none when the child was started. Now there may be one for all.
            self.dispatch = dispatcher::get_default(Dispatch::clone);
        }
        let dispatch = self.dispatch.clone();
        dispatcher::with_default(&dispatch, || work(self, &dispatch))
    }

    fn tell(
        &mut self,
        dispatch: &Dispatch,
        kind: Kind,
        task: &str,
        reader: &mut Reader<'_>,
        callsites: &mut Callsites,
    ) -> Option<()> {
        let number = reader.long_number()?;
        match kind {
            Kind::Event => {
                let callsite = callsites.find(reader.part()?)?;
                let values = values(reader)?;
                self.event(dispatch, callsite, number, task, values);
            }
            Kind::Span => {
                let parent = reader.long_number()?;
                let callsite = callsites.find(reader.part()?)?;
                let values = values(reader)?;
                self.begin(dispatch, callsite, (number, parent), task, values);
            }
            Kind::Values => {
                let mut values = Vec::new();
                while let Some(1) = reader.byte() {
                    values.push((reader.text()?, reader.value()?));
                }
                self.record(dispatch, number, values);
            }
            Kind::Enter => {
                if let Some(OpenSpan {
                    id: Some(id),
                    entered,
                    ..
                }) = self.open.get_mut(&number)
                {
                    *entered += 1;
                    dispatch.enter(id);
                }
            }
            Kind::Exit => {
                if let Some(OpenSpan {
                    id: Some(id),
                    entered: entered @ 1..,
                    ..
                }) = self.open.get_mut(&number)
                {
                    *entered -= 1;
                    dispatch.exit(id);
                }
            }
            Kind::Close => {
                if let Some(open) = self.open.remove(&number) {
                    close(dispatch, open);
                }
            }
            Kind::Follows => {
                let other = reader.long_number()?;
                let id = |number| self.open.get(&number)?.id.as_ref();
                if let (Some(id), Some(other)) = (id(number), id(other)) {
                    dispatch.record_follows_from(id, other);
                }
            }
            Kind::Lost => return None,
            #[cfg(feature = "log")]
            Kind::Record => return None,
        }
        Some(())
    }

    fn event(
        &mut self,
        dispatch: &Dispatch,
        callsite: &'static RemoteCallsite,
        parent: u64,
        task: &str,
        values: Vec<(u32, OwnedValue)>,
    ) {
        if !callsite.is_enabled(dispatch) {
            return;
        }
        let parent = self.parent(dispatch, callsite, parent, task);
        // Filters of layers remember what they have said last, which may have been of another.
        if callsite.is_enabled(dispatch) {
            let metadata = callsite.get();
            with_values(callsite, values, |values| {
                dispatch.event(&Event::new_child_of(parent, metadata, values));
            });
        }
    }

    fn begin(
        &mut self,
        dispatch: &Dispatch,
        callsite: &'static RemoteCallsite,
        (number, parent): (u64, u64),
        task: &str,
        values: Vec<(u32, OwnedValue)>,
    ) {
        // That it was closed may have been dropped.
        if let Some(open) = self.open.remove(&number) {
            close(dispatch, open);
        }
        if self.open.len() >= MOST_SPANS {
            return;
        }
        let mut open = OpenSpan {
            callsite,
            id: None,
            parent,
            entered: 0,
        };
        if callsite.is_enabled(dispatch) {
            let parent = self.parent(dispatch, callsite, parent, task);
            if callsite.is_enabled(dispatch) {
                let metadata = callsite.get();
                let id = with_values(callsite, values, |values| {
                    let attributes = match parent {
                        Some(parent) => span::Attributes::child_of(parent, metadata, values),
                        None => span::Attributes::new_root(metadata, values),
                    };
                    dispatch.new_span(&attributes)
                });
                open.id = Some(id);
            }
        }
        self.open.insert(number, open);
    }

    fn record(&mut self, dispatch: &Dispatch, number: u64, values: Vec<(String, OwnedValue)>) {
        let Some(OpenSpan {
            id: Some(id),
            callsite,
            ..
        }) = self.open.get(&number)
        else {
            return;
        };
        let fields = callsite.get().fields();
        let values = values.into_iter().filter_map(|(name, value)| {
            let place = fields.field(name.as_str())?.index();
            Some((u32::try_from(place).ok()?, value))
        });
        with_values(callsite, values.collect(), |values| {
            dispatch.record(id, &span::Record::new(values));
        });
    }

    /// The span that stands for this one of the child, or for the child itself.
    fn parent(
        &mut self,
        dispatch: &Dispatch,
        callsite: &'static RemoteCallsite,
        number: u64,
        task: &str,
    ) -> Option<span::Id> {
        // A process that is sick could make a circle of them.
        let mut number = number;
        for _ in 0..MOST_DEPTH {
            match self.open.get(&number) {
                Some(OpenSpan { id: Some(id), .. }) => return Some(id.clone()),
                Some(OpenSpan { parent, .. }) => number = *parent,
                None => break,
            }
        }
        self.worker(dispatch, callsite, task)
    }

    /// The span of the child and this task. One that is new has the target of what is about to be
    /// told, so that a filter which lets that pass also lets it pass.
    fn worker(
        &mut self,
        dispatch: &Dispatch,
        callsite: &'static RemoteCallsite,
        task: &str,
    ) -> Option<span::Id> {
        if let Some(worker) = &self.worker
            && worker.task == task
        {
            return worker.id.clone();
        }
        let before = self.worker.take();
        let callsite = worker_callsite(callsite.get().target());
        let id = callsite.is_enabled(dispatch).then(|| {
            let values = vec![
                (0, OwnedValue::Debug(self.name.clone())),
                (1, OwnedValue::Unsigned(self.process.into())),
                (2, OwnedValue::Debug(task.to_owned())),
            ];
            with_values(callsite, values, |values| {
                dispatch.new_span(&span::Attributes::new_root(callsite.get(), values))
            })
        });
        if let Some(WorkerSpan { id: Some(id), .. }) = before {
            dispatch.try_close(id);
        }
        self.worker = Some(WorkerSpan {
            task: task.to_owned(),
            id: id.clone(),
        });
        id
    }
}

fn close(dispatch: &Dispatch, open: OpenSpan) {
    if let Some(id) = open.id {
        for _ in 0..open.entered {
            dispatch.exit(&id);
        }
        dispatch.try_close(id);
    }
}

/// The callsite of spans `worker` that have this target: one of a callsite that is kept, so that there
/// are no more of them.
fn worker_callsite(target: &'static str) -> &'static RemoteCallsite {
    use std::sync::Mutex;

    use crate::lock::lock;

    static KNOWN: Mutex<Option<HashMap<&'static str, &'static RemoteCallsite>>> = Mutex::new(None);
    let known = |target| lock(&KNOWN).get_or_insert_default().get(target).copied();
    if let Some(known) = known(target) {
        return known;
    }
    // User code runs in this, and no other thread does it.
    let made = RemoteCallsite::make(Description {
        is_span: true,
        level: Level::ERROR,
        name: "worker".to_owned(),
        target: target.to_owned(),
        module: None,
        file: None,
        line: None,
        fields: ["name", "pid", "task"].map(str::to_owned).to_vec(),
    });
    lock(&KNOWN).get_or_insert_default().insert(target, made);
    made
}

/// Values behind their places, to the end of a packet.
fn values(reader: &mut Reader<'_>) -> Option<Vec<(u32, OwnedValue)>> {
    let mut values = Vec::new();
    while let Some(1) = reader.byte() {
        values.push((reader.number()?, reader.value()?));
    }
    Some(values)
}

/// A text as it was written, without quotes.
struct Verbatim(String);

impl fmt::Debug for Verbatim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn with_values<T>(
    callsite: &'static RemoteCallsite,
    values: Vec<(u32, OwnedValue)>,
    work: impl FnOnce(&field::ValueSet<'_>) -> T,
) -> T {
    let fields = callsite.get().fields();
    let mut boxed: Vec<Option<Box<dyn Value>>> = Vec::new();
    boxed.resize_with(fields.len(), || None);
    for (place, value) in values {
        if let Some(slot) = boxed.get_mut(place as usize) {
            *slot = as_value(value);
        }
    }
    let values: Vec<Option<&dyn Value>> = boxed.iter().map(Option::as_deref).collect();
    work(&fields.value_set_all(&values))
}

/// Numbers of usual sizes are what most subscribers know.
fn as_value(value: OwnedValue) -> Option<Box<dyn Value>> {
    Some(match value {
        OwnedValue::Null => return None,
        OwnedValue::Signed(number) => match i64::try_from(number) {
            Ok(number) => Box::new(number),
            Err(_) => Box::new(number),
        },
        OwnedValue::Unsigned(number) => match u64::try_from(number) {
            Ok(number) => Box::new(number),
            Err(_) => Box::new(number),
        },
        OwnedValue::Float(number) => Box::new(number),
        OwnedValue::Bool(value) => Box::new(value),
        OwnedValue::Text(text) => Box::new(text),
        OwnedValue::Debug(text) => Box::new(field::debug(Verbatim(text))),
    })
}
