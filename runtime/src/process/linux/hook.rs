//! What every process of the program does before `main`.
//!
//! A constructor runs in all of them. Where the environment has no marker, it notes that it has
//! run (a program without it could not be re-executed safely) and returns. Where it has one, this
//! process was started to be something else than the program, and the constructor never returns:
//! `main` does not run a second time.
//!
//! | marker | this process |
//! |---|---|
//! | `worker:0` | runs a worker; its connection stands in place of the standard input |
//! | `worker:N` | runs a worker; its connection was left open as descriptor N |
//! | `fork-server:0` | clones itself on request |
//!
//! # What std has not set up before `main`
//!
//! | | |
//! |---|---|
//! | ignored `SIGPIPE`, open standard descriptors | done here |
//! | other constructors of the program | [run here](crate::sys::init_array) |
//! | the handler that reports a stack overflow | left out: the parent is told of the signal |
//! | the name of the first thread | runs no user code |

#![expect(
    unsafe_code,
    reason = "a constructor is registered, and it takes over what the parent left for it"
)]

use std::convert::Infallible;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process;
use std::sync::Arc;

use rustix::net::RecvFlags;
use rustix::process::getppid;

use super::lifeline::{Lifeline, die};
use super::{serve, zygote};
use crate::process::origin::{self, EXIT_SOFTWARE, FORK_SERVER, MARKER, WORKER};
use crate::sys::{descriptors, image, init_array, privileges, process_id, signal, stdio};

// SAFETY: the section holds pointers to functions that are called before `main` with arguments
// that they need not take; this is one, and it does not unwind.
#[used]
#[unsafe(link_section = ".init_array")]
pub(super) static HOOK: init_array::OwnConstructor = hook;

extern "C" fn hook() {
    // In a shared library this is another copy of this crate, and the marker is for the program's.
    if !image::contains((&raw const HOOK).cast()) {
        return;
    }
    let Some(marker) = std::env::var_os(MARKER) else {
        origin::set_hooked();
        return;
    };
    origin::set_marked();
    let Err(error) = become_marked(&marker.to_string_lossy());
    #[expect(clippy::print_stderr, reason = "there is no other way to tell")]
    {
        eprintln!("multiproc: {MARKER} says that this process is a child, but: {error}");
    }
    process::exit(EXIT_SOFTWARE);
}

fn become_marked(marker: &str) -> io::Result<Infallible> {
    // SAFETY: this runs before `main`, in a process whose environment no other code reads or
    // writes yet: no thread of the program's has been started.
    unsafe { std::env::remove_var(MARKER) };
    // The process that started it holds the other end of the connection, and could have any code run.
    if privileges::is_privileged() {
        return Err(io::Error::other(
            "a program with more rights than the user who started it cannot act as a child",
        ));
    }
    let unknown = || io::Error::other(format!("`{marker}` is not a valid marker"));
    let (role, number) = marker.split_once(':').ok_or_else(unknown)?;
    let number = number.parse().map_err(|_| unknown())?;
    let connection = match number {
        ..0 => return Err(unknown()),
        0 => stdio::take_stdin()?,
        // SAFETY: the parent left this descriptor open for this very line; should the marker
        // come from elsewhere, neither this library nor the program has opened anything yet.
        _ => unsafe { stdio::take(number)? },
    };
    let peer = process_id::peer(connection.as_fd())
        .map_err(|_| io::Error::other("there is no connection"))?;
    // Without a number it is outside of this PID namespace, and so is the parent then.
    if peer != getppid() {
        if peer.is_none_or(process_id::has_ended) {
            die();
        }
        return Err(io::Error::other("the connection is not the parent's"));
    }
    let Err(error) = become_child(role, number == 0, connection);
    // Whatever went wrong, it went wrong because of that: there is no parent to tell.
    if peer != getppid() {
        die();
    }
    Err(error)
}

fn become_child(
    role: &str,
    in_place_of_stdin: bool,
    connection: OwnedFd,
) -> io::Result<Infallible> {
    stdio::open_missing()?;
    signal::ignore_broken_pipes();
    // SAFETY: `HOOK` is that constructor, and it does not return once it has come here.
    unsafe { init_array::run_rest(&HOOK) };
    match role {
        WORKER => {
            if in_place_of_stdin {
                receive_stdin(&connection)?;
            }
            serve::greet_and_serve(connection)
        }
        FORK_SERVER => zygote::serve(Lifeline::new(Arc::new(connection))),
        unknown => Err(io::Error::other(format!("`{unknown}` is not a valid role"))),
    }
}

/// The real standard input comes over the connection that stood in its place.
fn receive_stdin(connection: &OwnedFd) -> io::Result<()> {
    let stdin = descriptors::receive(connection.as_fd(), &mut [0], 1, RecvFlags::empty())?;
    match stdin.and_then(|mut batch| batch.pop()) {
        Some(stdin) => stdio::set_stdin(stdin),
        None => die(),
    }
}
