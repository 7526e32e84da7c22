//! Panics as data.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::cell::{Cell, RefCell};
use std::env;
use std::io::Write;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::thread;

use crate::backtrace::shorten;
use crate::error::{Location, PanicInfo};

thread_local! {
    static LAST: RefCell<Option<PanicInfo>> = const { RefCell::new(None) };

    /// The worker that this thread runs.
    static WORKER: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Has a panic of this thread say which worker it is of. The hook of std only knows the name that the
/// thread was given at its start, and a thread of a pool runs one worker after another.
#[inline]
pub(super) fn announce_worker(worker: &'static str) {
    WORKER.set(Some(worker));
}

/// Makes panics remember where they began, on top of what the hook so far does with them.
///
/// In a program built with `panic = "abort"` nothing is left to [`catch`]: there `last_words` is
/// called for the panic that is about to end the process.
pub(crate) fn install(last_words: fn(&PanicInfo)) {
    let outer = take_hook();
    set_hook(Box::new(move |panic| {
        name_worker();
        outer(panic);
        let info = describe(panic);
        if cfg!(panic = "abort") {
            last_words(&info);
        }
        // A thread whose locals are gone has no `catch` to come.
        let _ = LAST.try_with(|last| last.replace(Some(info)));
    }));
}

/// Says on the standard error which worker the next lines there are about, unless they say it
/// themselves, since the thread is named after it.
fn name_worker() {
    if let Ok(Some(worker)) = WORKER.try_with(Cell::get)
        && thread::current().name() != Some(worker)
    {
        let text = format!("\nworker `{worker}`:");
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

/// Runs `body`; its panic, if it ends in one.
#[inline]
pub(crate) fn catch<R>(body: impl FnOnce() -> R) -> Result<R, PanicInfo> {
    take_last();
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        let message = text(&*payload);
        // A payload may panic when dropped, and it has no more to say.
        let _ = ManuallyDrop::new(payload);
        match take_last() {
            // The worker may have caught one panic and died of another that went past the hook
            // (`resume_unwind`): then the place is not this one's.
            Some(info) if info.message == message => info,
            _ => PanicInfo {
                message,
                location: None,
                backtrace: None,
            },
        }
    })
}

/// The last panic of this thread that its hook was told of; none where its locals are gone.
#[inline]
fn take_last() -> Option<PanicInfo> {
    let take = |last: &RefCell<Option<PanicInfo>>| {
        // Nearly always there is none, and nothing to be moved.
        let is_there = last.borrow().is_some();
        is_there.then(|| last.take()).flatten()
    };
    LAST.try_with(take).ok().flatten()
}

fn describe(panic: &PanicHookInfo<'_>) -> PanicInfo {
    let backtrace = Backtrace::capture();
    PanicInfo {
        message: text(panic.payload()),
        location: panic.location().map(|location| Location {
            file: location.file().to_owned(),
            line: location.line(),
            column: location.column(),
        }),
        backtrace: (backtrace.status() == BacktraceStatus::Captured).then(|| show(&backtrace)),
    }
}

/// The text of a backtrace: all of it if the environment asks for that, as std has it.
fn show(backtrace: &Backtrace) -> String {
    let wanted = env::var_os("RUST_LIB_BACKTRACE").or_else(|| env::var_os("RUST_BACKTRACE"));
    if wanted.is_some_and(|wanted| wanted == "full") {
        format!("{backtrace:#}")
    } else {
        shorten(&backtrace.to_string())
    }
}

fn text(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic whose payload is not a string".to_owned()
    }
}
