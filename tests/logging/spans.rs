//! Spans and events of `tracing`.

#![expect(unsafe_code, reason = "workers crash")]

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{Call, Pool, StartMethod, worker};
use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber, span, subscriber};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Registry};

use crate::support::cases;

cases! {
    spans_and_events_arrive_as_they_were
    values_keep_their_types
    all_steps_of_a_span_arrive
    what_happened_before_a_crash_arrives_and_spans_are_closed
    the_filter_of_the_program_applies
    a_filter_of_targets_shows_the_worker
    a_level_that_no_subscriber_wants_costs_nothing
    a_program_without_a_subscriber_hears_nothing
    a_task_of_a_pool_is_named
    what_the_subscriber_has_no_time_for_is_dropped_and_counted
    callsites_are_made_once
    a_subscriber_of_one_thread
    layers_with_filters_of_their_own
    a_record_is_told_once
    records_that_have_become_events
    a_worker_of_a_worker
}

/// Has workers tell the test.
pub(crate) fn start() {
    let registry = tracing_subscriber::registry().with(multiproc::logging::layer());
    subscriber::set_global_default(registry).unwrap();
}

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
    /// What has been written since the last time, with `PID` for the process ids.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        let lines = text.lines().map(|line| {
            let mut parts = line.split("pid=");
            let mut line = parts.next().unwrap().to_owned();
            for part in parts {
                line += "pid=PID";
                line += part.trim_start_matches(|letter: char| letter.is_ascii_digit());
            }
            line.trim_start().to_owned()
        });
        lines.collect()
    }

    fn writer(&self) -> impl Fn() -> Memory + use<> {
        let memory = self.clone();
        move || memory.clone()
    }
}

/// A subscriber that writes lines into memory.
fn lines(memory: &Memory, spans: FmtSpan, filter: &str) -> impl Subscriber + Send + Sync + use<> {
    tracing_subscriber::fmt()
        .with_writer(memory.writer())
        .with_ansi(false)
        .without_time()
        .with_span_events(spans)
        .with_env_filter(EnvFilter::new(filter))
        .finish()
}

fn listen(filter: &str) -> Memory {
    let memory = Memory::default();
    subscriber::set_global_default(lines(&memory, FmtSpan::NONE, filter)).unwrap();
    memory
}

fn run<R>(method: StartMethod, call: Call<'_, R>) -> multiproc::Result<R> {
    call.start_method(method).run()
}

#[worker]
fn measure(text: &str) -> usize {
    let span = tracing::info_span!("measuring", text);
    let _entered = span.enter();
    tracing::info!(length = text.len(), "done");
    tracing::warn!(target: "elsewhere", parent: None, "alone");
    text.len()
}

fn spans_and_events_arrive_as_they_were(method: StartMethod) {
    let memory = listen("info");
    run(method, measure::call("abc").name("measurer")).unwrap();
    let worker = "worker{name=measurer pid=PID task=measure}";
    let expected = [
        format!(r#"INFO {worker}:measuring{{text="abc"}}: logging::spans: done length=3"#),
        format!("WARN {worker}: elsewhere: alone"),
    ];
    assert_eq!(memory.lines(), expected);
}

#[worker]
fn tell_values() {
    let span = tracing::info_span!("span", number = 7, later = tracing::field::Empty);
    span.record("later", u64::MAX);
    let _entered = span.enter();
    let error: &(dyn std::error::Error + 'static) = &io::Error::other("broken");
    tracing::info!(
        signed = -1,
        unsigned = 1_u8,
        float = 0.5,
        flag = true,
        text = "text",
        debug = ?[1, 2],
        display = %1,
        error,
        none = None::<u8>,
        "message {}",
        1
    );
}

/// Keeps the values of events, and of the spans around them, as a formatter of JSON would write them.
#[derive(Clone, Default)]
struct Typed(Arc<Mutex<Vec<Value>>>);

#[derive(Default)]
struct Fields(serde_json::Map<String, Value>);

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, format!("str {value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Typed {
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        values.record(span.extensions_mut().get_mut::<Fields>().unwrap());
    }

    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let spans = context.event_scope(event).unwrap().from_root().map(|span| {
            let fields = span.extensions().get::<Fields>().unwrap().0.clone();
            Value::from(
                [(span.name().to_owned(), Value::from(fields))]
                    .into_iter()
                    .collect::<serde_json::Map<_, _>>(),
            )
        });
        let metadata = event.metadata();
        let told = serde_json::json!({
            "fields": fields.0,
            "spans": spans.collect::<Vec<_>>(),
            "target": metadata.target(),
            "level": metadata.level().as_str(),
            "file": metadata.file(),
            "line": metadata.line(),
            "module": metadata.module_path(),
        });
        self.0.lock().unwrap().push(told);
    }
}

fn values_keep_their_types(method: StartMethod) {
    let typed = Typed::default();
    subscriber::set_global_default(Registry::default().with(typed.clone())).unwrap();
    run(method, tell_values::call()).unwrap();
    let mut told = typed.0.lock().unwrap().pop().unwrap();
    assert!(told["line"].take().is_u64());
    assert!(told["spans"][0]["worker"]["pid"].take().is_u64());
    let expected = serde_json::json!({
        "fields": {
            "signed": -1, "unsigned": 1, "float": 0.5, "flag": true, "text": "str text",
            "debug": "[1, 2]", "display": "1", "error": "broken", "message": "message 1",
        },
        "spans": [
            { "worker": { "name": "tell_values", "pid": null, "task": "tell_values" } },
            { "span": { "number": 7, "later": u64::MAX } },
        ],
        "target": module_path!(),
        "level": "INFO",
        "file": file!(),
        "line": null,
        "module": module_path!(),
    });
    assert_eq!(told, expected);
}

#[worker]
fn step() {
    let first = tracing::info_span!("first");
    let second = tracing::info_span!("second");
    second.follows_from(&first);
    first.in_scope(|| tracing::info!("in"));
    drop(first);
    second.in_scope(|| ());
}

fn all_steps_of_a_span_arrive(method: StartMethod) {
    let memory = Memory::default();
    let subscriber = lines(&memory, FmtSpan::FULL, "info");
    subscriber::set_global_default(subscriber).unwrap();
    run(method, step::call()).unwrap();
    // The times are others each time.
    let told: Vec<String> = memory
        .lines()
        .iter()
        .map(|line| {
            let (_, line) = line.split_once("worker{").unwrap();
            let (_, line) = line.split_once('}').unwrap();
            line.split(" time.").next().unwrap().to_owned()
        })
        .collect();
    let expected = [
        ": logging::spans: new",
        ":first: logging::spans: new",
        ":second: logging::spans: new",
        ":first: logging::spans: enter",
        ":first: logging::spans: in",
        ":first: logging::spans: exit",
        ":first: logging::spans: close",
        ":second: logging::spans: enter",
        ":second: logging::spans: exit",
        ":second: logging::spans: close",
        ": logging::spans: close",
    ];
    assert_eq!(told, expected);
}

#[worker]
fn crash_in_a_span() {
    let span = tracing::info_span!("deep");
    let _entered = span.enter();
    tracing::error!("last words");
    // SAFETY: there is no reason why it should be: it is a crash.
    unsafe { std::ptr::without_provenance::<u8>(8).read_volatile() };
}

fn what_happened_before_a_crash_arrives_and_spans_are_closed(method: StartMethod) {
    let memory = Memory::default();
    let subscriber = lines(&memory, FmtSpan::CLOSE, "info");
    subscriber::set_global_default(subscriber).unwrap();
    let error = run(method, crash_in_a_span::call()).unwrap_err();
    assert_eq!(error.signal(), Some(libc::SIGSEGV), "{error}");
    let lines = memory.lines();
    assert!(lines[0].contains(":deep: logging::spans: last words"));
    assert!(lines[1].contains(":deep: logging::spans: close"));
    assert!(lines[2].contains("}: logging::spans: close"));
    assert_eq!(lines.len(), 3, "{lines:?}");
}

#[worker]
fn tell_targets() {
    for _ in 0..3 {
        tracing::debug!(target: "loud::inner", "1");
        tracing::info!(target: "quiet", "2");
        tracing::warn!(target: "quiet", "3");
        tracing::error!(target: "silent", "4");
    }
    let span = tracing::info_span!(target: "quiet", "unwanted");
    span.in_scope(|| tracing::warn!(target: "quiet", "5"));
}

fn the_filter_of_the_program_applies(method: StartMethod) {
    let memory = listen("warn,loud=debug,silent=off");
    run(method, tell_targets::call()).unwrap();
    let told: Vec<_> = memory
        .lines()
        .iter()
        .map(|line| line.rsplit_once("}: ").unwrap().1.to_owned())
        .collect();
    let round = ["loud::inner: 1", "quiet: 3"];
    let expected = [&round[..], &round, &round, &["quiet: 5"]].concat();
    assert_eq!(told, expected);
}

fn a_filter_of_targets_shows_the_worker(method: StartMethod) {
    let memory = listen("loud=debug");
    run(method, tell_targets::call()).unwrap();
    let line = "DEBUG worker{name=tell_targets pid=PID task=tell_targets}: loud::inner: 1";
    assert_eq!(memory.lines(), [line; 3]);
}

struct Counts<'c>(&'c AtomicU32);

impl fmt::Display for Counts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fetch_add(1, SeqCst);
        f.write_str("counted")
    }
}

#[worker]
fn tell_levels() -> (u32, String) {
    let count = AtomicU32::new(0);
    tracing::error!("{}", Counts(&count));
    tracing::debug!("{}", Counts(&count));
    tracing::trace!("{}", Counts(&count));
    let level = LevelFilter::current().to_string();
    (count.load(SeqCst), level)
}

fn a_level_that_no_subscriber_wants_costs_nothing(method: StartMethod) {
    let memory = listen("info");
    let told = run(method, tell_levels::call()).unwrap();
    assert_eq!(told, (1, "info".to_owned()));
    assert_eq!(memory.lines().len(), 1);
}

fn a_program_without_a_subscriber_hears_nothing(method: StartMethod) {
    let told = run(method, tell_levels::call()).unwrap();
    assert_eq!(told, (0, "off".to_owned()));
}

#[worker]
fn one() {
    tracing::info!("1");
}

#[worker]
fn two() {
    tracing::info!("2");
}

fn a_task_of_a_pool_is_named(method: StartMethod) {
    let memory = listen("info");
    let pool = Pool::builder().workers(1).name("crew").start_method(method);
    let pool = pool.build().unwrap();
    pool.submit(one::call()).wait().unwrap();
    pool.submit(two::call()).wait().unwrap();
    pool.submit(one::call()).wait().unwrap();
    let line = |number, task| {
        format!("INFO worker{{name=crew pid=PID task={task}}}: logging::spans: {number}")
    };
    let expected = [line(1, "one"), line(2, "two"), line(1, "one")];
    assert_eq!(memory.lines(), expected);
}

#[worker]
fn tell_for(time: Duration) -> u64 {
    let begin = Instant::now();
    let mut count = 0;
    while begin.elapsed() < time {
        tracing::info!(target: "count", count);
        count += 1;
    }
    count
}

/// Counts events, slowly.
#[derive(Clone, Default)]
struct Slow {
    heard: Arc<AtomicU32>,
    dropped: Arc<AtomicU32>,
}

impl<S: Subscriber> Layer<S> for Slow {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        struct Dropped(u32);

        impl Visit for Dropped {
            fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}

            fn record_u64(&mut self, field: &Field, value: u64) {
                assert_eq!(field.name(), "dropped");
                self.0 = value.try_into().unwrap();
            }
        }

        if event.metadata().target() == "count" {
            self.heard.fetch_add(1, SeqCst);
            thread::sleep(Duration::from_millis(1));
        } else {
            assert_eq!(event.metadata().target(), "multiproc::logging");
            assert_eq!(*event.metadata().level(), Level::WARN);
            let mut dropped = Dropped(0);
            event.record(&mut dropped);
            self.dropped.fetch_add(dropped.0, SeqCst);
        }
    }
}

fn what_the_subscriber_has_no_time_for_is_dropped_and_counted(method: StartMethod) {
    let slow = Slow::default();
    subscriber::set_global_default(Registry::default().with(slow.clone())).unwrap();
    let pool = Pool::builder()
        .workers(4)
        .start_method(method)
        .build()
        .unwrap();
    let time = Duration::from_millis(300);
    let tasks: Vec<_> = (0..4).map(|_| pool.submit(tell_for::call(time))).collect();
    let told: u64 = tasks.into_iter().map(|task| task.wait().unwrap()).sum();
    let known = || u64::from(slow.heard.load(SeqCst)) + u64::from(slow.dropped.load(SeqCst));
    let begin = Instant::now();
    while known() < told {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "{} of {told}",
            known()
        );
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(known(), told);
    assert!(slow.dropped.load(SeqCst) > 0);
}

/// Counts callsites.
#[derive(Clone, Default)]
struct Registered(Arc<AtomicU32>);

impl<S: Subscriber> Layer<S> for Registered {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        self.0.fetch_add(1, SeqCst);
        tracing::subscriber::Interest::always()
    }
}

fn callsites_are_made_once(method: StartMethod) {
    let registered = Registered::default();
    let subscriber = Registry::default().with(registered.clone());
    subscriber::set_global_default(subscriber).unwrap();
    run(method, measure::call("abc")).unwrap();
    let first = registered.0.load(SeqCst);
    // Two events, a span, and `worker` for either target.
    assert!(first <= 6, "{first}");
    for _ in 0..20 {
        run(method, measure::call("abc")).unwrap();
    }
    assert_eq!(registered.0.load(SeqCst), first);
}

fn a_subscriber_of_one_thread(method: StartMethod) {
    let memory = Memory::default();
    let subscriber = lines(&memory, FmtSpan::CLOSE, "info");
    let pool = subscriber::with_default(subscriber, || {
        run(method, measure::call("abc")).unwrap();
        Pool::builder()
            .workers(1)
            .start_method(method)
            .build()
            .unwrap()
    });
    assert_eq!(memory.lines().len(), 4);
    pool.submit(one::call()).wait().unwrap();
    let lines = memory.lines();
    assert!(
        lines[0].ends_with("task=one}: logging::spans: 1"),
        "{lines:?}"
    );
    // One that is started later, too.
    let error = pool.submit(crash_in_a_span::call()).wait().unwrap_err();
    assert_eq!(error.signal(), Some(libc::SIGSEGV), "{error}");
    drop(memory.lines());
    pool.submit(one::call()).wait().unwrap();
    let lines = memory.lines();
    assert!(
        lines[0].ends_with("task=one}: logging::spans: 1"),
        "{lines:?}"
    );
}

fn layers_with_filters_of_their_own(method: StartMethod) {
    let (all, few) = (Memory::default(), Memory::default());
    let layer = |memory: &Memory, filter| {
        tracing_subscriber::fmt::layer()
            .with_writer(memory.writer())
            .with_ansi(false)
            .without_time()
            .with_filter(EnvFilter::new(filter))
    };
    let layers = vec![
        layer(&all, "debug").boxed(),
        layer(&few, "warn,silent=off").boxed(),
    ];
    let subscriber = Registry::default().with(layers);
    subscriber::set_global_default(subscriber).unwrap();
    run(method, tell_targets::call()).unwrap();
    assert_eq!(all.lines().len(), 13);
    let lines = few.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    for line in &lines[..3] {
        assert!(line.starts_with("WARN worker{"), "{line}");
        assert!(line.ends_with("}: quiet: 3"), "{line}");
    }
    // Within a span that this layer does not want, it looks for no other.
    assert!(lines[3].ends_with("quiet: 5"), "{lines:?}");
}

#[worker]
fn tell_both() {
    log::info!(target: "both", "a record");
    tracing::info!(target: "both", "an event");
}

fn a_record_is_told_once(method: StartMethod) {
    crate::records::listen();
    let memory = listen("info");
    run(method, tell_both::call()).unwrap();
    let lines = memory.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].ends_with("both: an event"));
    let records = crate::records::heard();
    assert_eq!(records.len(), 1, "{records:?}");
    assert!(records[0].starts_with("INFO both: a record"));
}

#[worker]
fn tell_what_was_a_record() {
    // What `tracing_log` makes of a record.
    tracing::event!(
        name: "log event",
        target: "log",
        Level::WARN,
        message = format_args!("from {}", "log"),
        log.target = "the target",
        log.module_path = "module",
        log.file = "file.rs",
        log.line = 7_u64,
    );
}

fn records_that_have_become_events(method: StartMethod) {
    let memory = Memory::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(memory.writer())
        .with_ansi(false)
        .without_time()
        .with_file(true)
        .with_line_number(true)
        .finish();
    subscriber::set_global_default(subscriber).unwrap();
    run(method, tell_what_was_a_record::call().name("w")).unwrap();
    let worker = "worker{name=w pid=PID task=tell_what_was_a_record}";
    let expected = format!("WARN {worker}: the target: file.rs:7: from log");
    assert_eq!(memory.lines(), [expected]);
}

#[worker]
fn delegate() {
    let span = tracing::info_span!("delegating");
    let _entered = span.enter();
    one::run().unwrap();
}

fn a_worker_of_a_worker(method: StartMethod) {
    let memory = listen("info");
    run(method, delegate::call()).unwrap();
    let lines = memory.lines();
    let inner = "worker{name=one pid=PID task=one}: logging::spans: 1";
    assert_eq!(lines.len(), 1);
    assert!(lines[0].ends_with(inner), "{lines:?}");
    assert!(lines[0].contains("worker{name=delegate pid=PID task=delegate}:worker{"));
}
