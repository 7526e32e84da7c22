use std::hint::black_box;

use super::job::Job;
use super::panic::{announce_worker, catch};
use super::registry::Entry;
use super::reply::{Failure, ReplyBuffer, Send, message};
use crate::codec::{Input, Output};
use crate::error::PanicInfo;
use crate::protocol::Reply;
use crate::sys::copy;

/// Runs a worker on its arguments and sends one reply, whatever happens.
///
/// A worker may fork and return twice. The copy ends here: it has the connection and all that its
/// original knows, but the answer and whatever comes next are the original's.
///
/// The reply is written into the buffer; `send` may put that back. The input is opened where it is read: to move
/// one that was just made is a twentieth of what a task costs that does nothing.
pub(crate) fn run<'i>(
    entry: &Entry,
    input: impl FnOnce() -> Input<'i>,
    buffer: &ReplyBuffer,
    send: &mut Send<'_>,
) -> Ended {
    announce_worker(entry.name());
    let mut replied = false;
    let result = catch(|| {
        let mut send = |out: &mut Output<'_>| {
            copy::leave_if_copy();
            let sent = send(out);
            replied = sent.is_ok();
            sent
        };
        __rust_begin_short_backtrace(|| {
            entry.dispatch(&mut Job::new(input(), &mut send, Some(buffer)))
        })
    });
    copy::leave_if_copy();
    let (mut reply, ended) = match result {
        Ok(Ok(())) => return Ended::Well,
        Ok(Err(failure)) => (failure.message(), Ended::Well),
        Err(panic) => (message(Reply::Panicked, &panic), Ended::Panicking),
    };
    // A destructor that panics after the reply is no longer the caller's concern.
    if !replied {
        // An error here means that no receiver is left.
        let _ = send(&mut reply);
    }
    ended
}

/// Runs a method on a request, and sends one reply under an address, unless the method panics: then there
/// is none.
pub(crate) fn run_method(
    name: &'static str,
    input: Input<'_>,
    address: &[u8],
    send: &mut Send<'_>,
    method: impl FnOnce(&mut Job<'_>) -> Result<(), Failure>,
) -> Result<(), PanicInfo> {
    announce_worker(name);
    let result = catch(|| {
        __rust_begin_short_backtrace(|| method(&mut Job::addressed(input, send, address)))
    });
    copy::leave_if_copy();
    if let Err(failure) = result? {
        let mut out = failure.message();
        out.head.splice(1..1, address.iter().copied());
        // An error here means that no receiver is left.
        let _ = send(&mut out);
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
