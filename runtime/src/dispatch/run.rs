use std::hint::black_box;
use std::io;

use super::job::Job;
use super::panic::{announce_worker, catch};
use super::registry::Entry;
use super::reply::{Failure, Outlet, ReplyBuffer, message};
use super::witness::Arguments;
use crate::codec::{Input, Output, Word};
use crate::error::PanicInfo;
use crate::protocol::Reply;
use crate::sys::copy;

/// Runs a worker on its arguments and sends one reply, whatever happens.
///
/// A worker may fork and return twice. The copy ends here: it has the connection and all that its
/// original knows, but the answer and whatever comes next are the original's.
///
/// The reply is written into the buffer; the outlet may put that back. The arguments are opened where they are
/// read: to move what was just made is a twentieth of what a task costs that does nothing.
#[inline]
pub(crate) fn run<'i, A: Into<Arguments<'i>>>(
    entry: &Entry,
    arguments: impl FnOnce() -> A,
    buffer: &ReplyBuffer,
    outlet: &mut impl Outlet,
) -> Ended {
    announce_worker(entry.name());
    let mut once = Once {
        outlet,
        has_replied: false,
    };
    let result = catch(|| {
        __rust_begin_short_backtrace(|| {
            let arguments = arguments().into();
            entry.dispatch(&mut Job::new(arguments, &mut once, Some(buffer)))
        })
    });
    copy::leave_if_copy();
    let (mut reply, ended) = match result {
        Ok(Ok(())) => return Ended::Well,
        Ok(Err(failure)) => (failure.message(), Ended::Well),
        Err(panic) => (message(Reply::Panicked, &panic), Ended::Panicking),
    };
    // A destructor that panics after the reply is no longer the caller's concern.
    if !once.has_replied {
        // An error here means that no receiver is left.
        let _ = once.outlet.send(&mut reply);
    }
    ended
}

/// The way of one reply.
struct Once<'o, O> {
    outlet: &'o mut O,
    has_replied: bool,
}

impl<O: Outlet> Outlet for Once<'_, O> {
    fn send(&mut self, out: &mut Output<'_>) -> io::Result<()> {
        // What was written may have forked.
        copy::leave_if_copy();
        let sent = self.outlet.send(out);
        self.has_replied = sent.is_ok();
        sent
    }

    fn send_word(&mut self, word: &Word) -> io::Result<()> {
        let sent = self.outlet.send_word(word);
        self.has_replied = sent.is_ok();
        sent
    }
}

/// Runs a method on a request, and sends one reply under an address, unless the method panics: then there
/// is none.
pub(crate) fn run_method(
    name: &'static str,
    input: Input<'_>,
    address: &[u8],
    outlet: &mut dyn Outlet,
    method: impl FnOnce(&mut Job<'_>) -> Result<(), Failure>,
) -> Result<(), PanicInfo> {
    announce_worker(name);
    let result = catch(|| {
        __rust_begin_short_backtrace(|| method(&mut Job::addressed(input.into(), outlet, address)))
    });
    copy::leave_if_copy();
    if let Err(failure) = result? {
        let mut out = failure.message();
        out.head.splice(1..1, address.iter().copied());
        // An error here means that no receiver is left.
        let _ = outlet.send(&mut out);
    }
    Ok(())
}

/// Where the backtraces end that std prints of panics: it knows this name. What is below is the same for
/// all workers.
#[inline(never)]
fn __rust_begin_short_backtrace<R>(run: impl FnOnce() -> R) -> R {
    let result = run();
    // It stays on the stack while that runs.
    black_box(());
    result
}

/// How a job left its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    Panicking,
}
