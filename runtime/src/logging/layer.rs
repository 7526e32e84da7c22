//! The layer of a worker's process.

use tracing_core::{Event, LevelFilter, Subscriber, span};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::process::current;
use crate::records::trace_packet::{self, Step};
use crate::records::{Outlet, outlet};

/// Returns a layer that makes the spans and events of this process arrive at the subscriber of the program that
/// has started it.
///
/// It is for [`startup`](macro@crate::startup) functions. In a process that is no worker it does
/// nothing.
///
/// In the program, all that a process tells is within a span `worker`, with the fields `name`, the name of the
/// process, `pid`, and `task`, the function that it runs. Spans and events keep their name, target,
/// level, file, line, module, and fields. Numbers, booleans and strings keep their type; what was given as
/// `Debug` or `Display` is its text. Spans are entered, exited and closed as in the worker, and closed when its process
/// ends. They have callsites of the program's own, so that its filters apply.
///
/// The level is the most verbose one that a subscriber of the parent takes, when the process is started; in a
/// [`Pool`](crate::Pool), when that starts the worker. What it disables costs a comparison. What else the
/// parent's filters say, they say when a span or an event has arrived.
///
/// What happened arrives even if the next instruction crashes the process, and before the result is given
/// out: see [the guide](crate::guide::logging).
///
/// # Examples
///
/// ```standalone_crate
/// use multiproc::worker;
/// use tracing_subscriber::prelude::*;
///
/// #[multiproc::startup]
/// fn start_tracing() {
///     tracing_subscriber::registry().with(multiproc::logging::layer()).init();
/// }
///
/// #[worker]
/// fn measure(text: &str) -> usize {
///     let span = tracing::info_span!("measuring", text);
///     let _entered = span.enter();
///     tracing::info!(length = text.len(), "done");
///     text.len()
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// // In `main`, as ever:
/// tracing_subscriber::fmt().init();
/// // Writes: INFO worker{name=measure pid=4711 task=measure}:measuring{text="abc"}: program: done length=3
/// assert_eq!(measure::run("abc")?, 3);
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// * The span `worker` has the target of what is first told within it, so that a filter by targets which
///   lets that pass shows the span, too. If several layers have filters of their own, those that do not let
///   that target pass do not show the span; and none of them shows the spans around an event whose innermost
///   span its filter does not let pass.
/// * Spans are entered on one thread of the parent, those of all workers. What depends on the span that a *thread*
///   is in, such as the directive `[span]=debug` of an `EnvFilter`, may therefore also let pass what
///   another worker tells at that moment.
/// * A packet is cut after 32 KiB of text, and says so.
#[must_use]
pub fn layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let outlet = current().and_then(|_| outlet());
    let level = match outlet.map_or(0, |outlet| outlet.levels.tracing) {
        0 => LevelFilter::OFF,
        1 => LevelFilter::ERROR,
        2 => LevelFilter::WARN,
        3 => LevelFilter::INFO,
        4 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    Forward(outlet).with_filter(level)
}

#[derive(Debug)]
struct Forward(Option<&'static Outlet>);

impl Forward {
    fn send(&self, packet: impl FnOnce(&str) -> crate::records::Packet) {
        if let Some(outlet) = self.0 {
            let task = current().map_or("", |it| it.worker());
            outlet.send(packet(task));
        }
    }
}

impl<S> Layer<S> for Forward
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        let parent = context.span(id).and_then(|span| span.parent());
        let parent = parent.map(|parent| parent.id());
        self.send(|task| trace_packet::span(id, parent.as_ref(), attributes, task));
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, _: Context<'_, S>) {
        self.send(|task| trace_packet::values(id, values, task));
    }

    fn on_follows_from(&self, id: &span::Id, follows: &span::Id, _: Context<'_, S>) {
        self.send(|task| trace_packet::follows(id, follows, task));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let span = context.event_span(event).map(|span| span.id());
        self.send(|task| trace_packet::event(event, span.as_ref(), task));
    }

    fn on_enter(&self, id: &span::Id, _: Context<'_, S>) {
        self.send(|task| trace_packet::step(Step::Enter, id, task));
    }

    fn on_exit(&self, id: &span::Id, _: Context<'_, S>) {
        self.send(|task| trace_packet::step(Step::Exit, id, task));
    }

    fn on_close(&self, id: span::Id, _: Context<'_, S>) {
        self.send(|task| trace_packet::step(Step::Close, &id, task));
    }
}
