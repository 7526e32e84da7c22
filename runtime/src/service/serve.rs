//! The process of a service: takes requests out of the queue and runs them on the object.
//!
//! # Threads
//!
//! The worker's thread makes the object, runs the requests, and drops the object. With `threads = n` others
//! help it: the one that has the turn takes the next request, takes the object as its method wants it (shared or
//! alone), and passes the turn on before it runs the method. So requests are begun in their order, and one
//! that wants the object alone waits for those before it only.
//!
//! Another thread hears from the parent which processes are clients. Replies are sent without waiting for
//! the client: what it does not take in soon a third thread sends when it does.

use std::sync::{Mutex, PoisonError, RwLock};
use std::thread;

use super::host::Host;
use super::served::{Method, Served};
use crate::dispatch::{Failure, Job, result};
use crate::lock::lock;
use crate::process::worker_stack_size;
use crate::sys::crash::WorkerThread;

/// Serves an object, one request after the other.
pub fn serve<S: Served>(job: &mut Job<'_>) -> Result<(), Failure> {
    let Some((host, object)) = Host::begin::<S>(job, 1)? else {
        return job.reply(&result::<()>(), &());
    };
    let mut object = Some(object);
    while let Some(request) = host.next() {
        match (S::method(request.head.method), &mut object) {
            (Some(Method::Shared(method)), Some(object)) => {
                host.run(request, |job| method(object, job));
            }
            (Some(Method::Exclusive(method)), Some(object)) => {
                host.run(request, |job| method(object, job));
            }
            (Some(Method::Last(method)), object @ Some(_)) => {
                host.close();
                if let Some(object) = object.take() {
                    host.run(request, |job| method(object, job));
                }
                break;
            }
            (None, _) | (_, None) => host.refuse(&request, "it has no such method"),
        }
    }
    drop(object);
    host.bid_farewell();
    job.reply(&result::<()>(), &())
}

/// Serves an object, several requests at a time.
pub fn serve_in_parallel<S>(job: &mut Job<'_>, threads: u16) -> Result<(), Failure>
where
    S: Served + Send + Sync,
{
    let Some((host, object)) = Host::begin::<S>(job, threads)? else {
        return job.reply(&result::<()>(), &());
    };
    let (object, turn) = (RwLock::new(Some(object)), Mutex::new(Turn::Next));
    let help = || {
        loop {
            let mut turn = lock(&turn);
            if let Turn::Over = *turn {
                return;
            }
            let Some(request) = host.next() else {
                return;
            };
            match S::method(request.head.method) {
                Some(Method::Shared(method)) => {
                    let object = object.read().unwrap_or_else(PoisonError::into_inner);
                    drop(turn);
                    match &*object {
                        Some(object) => host.run(request, |job| method(object, job)),
                        None => host.refuse(&request, "the object is gone"),
                    }
                }
                Some(Method::Exclusive(method)) => {
                    let mut object = object.write().unwrap_or_else(PoisonError::into_inner);
                    drop(turn);
                    match &mut *object {
                        Some(object) => host.run(request, |job| method(object, job)),
                        None => host.refuse(&request, "the object is gone"),
                    }
                }
                Some(Method::Last(method)) => {
                    let mut object = object.write().unwrap_or_else(PoisonError::into_inner);
                    host.close();
                    // Those behind it are left for the parent to end.
                    *turn = Turn::Over;
                    drop(turn);
                    match object.take() {
                        Some(object) => host.run(request, |job| method(object, job)),
                        None => host.refuse(&request, "the object is gone"),
                    }
                }
                None => {
                    drop(turn);
                    host.refuse(&request, "it has no such method");
                }
            }
        }
    };
    thread::scope(|scope| {
        for number in 1..threads {
            let name = format!("{}-{number}", host.service());
            let thread = thread::Builder::new().name(name);
            let run = || {
                let _thread = WorkerThread::begin();
                help();
            };
            // Fewer threads do as well.
            let _ = thread
                .stack_size(worker_stack_size())
                .spawn_scoped(scope, run);
        }
        help();
    });
    drop(object);
    host.bid_farewell();
    job.reply(&result::<()>(), &())
}

/// Whose turn it is.
enum Turn {
    /// The next one's.
    Next,
    /// There is none: the last request was taken.
    Over,
}
