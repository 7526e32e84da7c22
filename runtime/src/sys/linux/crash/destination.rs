//! Where notes go, and what stands in them.

use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr;
use std::sync::OnceLock;

use super::context::Context;
use super::ids::process;
use super::note::{NAME, Note, Preface};
use super::{modules, trace};
use crate::sys::linux::image;
use crate::sys::linux::memory::{self, FileId};

/// How long to wait for room in the connection, in milliseconds.
const ROOM: libc::c_int = 100;

/// The first bytes of the two notes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kinds {
    /// Of that which says what happened.
    pub(crate) event: u8,
    /// Of that which says where.
    pub(crate) places: u8,
}

/// Where notes go.
#[derive(Debug)]
pub(super) struct Destination {
    socket: RawFd,
    file: FileId,
    preface: Preface,
    kinds: Kinds,
    /// The process that is meant.
    owner: libc::pid_t,
    program: &'static image::Range,
}

static DESTINATION: OnceLock<Destination> = OnceLock::new();

impl Destination {
    /// Has notes of this process be sent into a socket. The first one counts.
    pub(super) fn set(socket: BorrowedFd<'_>, preface: Preface, kinds: Kinds) {
        if let Ok(file) = memory::identity(socket) {
            // An error means that there is one.
            let _ = DESTINATION.set(Destination {
                socket: socket.as_raw_fd(),
                file,
                preface,
                kinds,
                owner: process(),
                program: image::range(),
            });
        }
    }

    /// Where notes of this process go: nowhere, if it is a copy of the one that is meant.
    pub(super) fn get() -> Option<&'static Destination> {
        DESTINATION.get().filter(|it| it.owner == process())
    }

    /// Sends a note of what happened.
    pub(super) fn tell_what(&self, info: &libc::siginfo_t, context: &Context) {
        let mut note = Note::new();
        note.byte(self.kinds.event);
        note.number(u64::from(info.si_signo.cast_unsigned()));
        note.number(i64::from(info.si_code).cast_unsigned());
        // SAFETY: the field is there for each signal that an instruction causes, and it is a number.
        let address = unsafe { info.si_addr() };
        note.number(address.addr() as u64);
        note.number(system_call(info).map_or(0, |call| u64::from(call) + 1));
        note.number(context.program_counter() as u64);
        let guard = context.guard();
        note.number(guard.start as u64);
        note.number(guard.end as u64);
        note.number(self.program.bias);
        note.number(self.program.addresses.start);
        note.number(self.program.addresses.end);
        note.bytes(&thread_name());
        self.send(&mut note);
    }

    /// Sends a note of where.
    pub(super) fn tell_where(&self, context: &Context) {
        let mut places = [0; trace::MOST];
        let count = trace::walk(context, &mut places);
        let places = &places[..count];
        let mut note = Note::new();
        note.byte(self.kinds.places);
        note.number(count as u64);
        for place in places {
            note.number(*place as u64);
        }
        let program = &self.program.addresses;
        if !places
            .iter()
            .all(|place| program.contains(&(*place as u64)))
        {
            modules::note(places, program, &mut note);
        }
        self.send(&mut note);
    }

    fn send(&self, note: &mut Note) {
        // Code that knows nothing of the connection may have put another file in its place.
        // SAFETY: the number is of no use unless the file is the one that is meant.
        let socket = unsafe { BorrowedFd::borrow_raw(self.socket) };
        if memory::identity(socket).ok() != Some(self.file) {
            return;
        }
        let packet = note.packet(self.preface);
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        for _ in 0..2 {
            let (start, length) = (packet.as_ptr().cast(), packet.len());
            // SAFETY: the bytes are valid for as long as the call takes.
            let sent = unsafe { libc::send(self.socket, start, length, flags) };
            if sent >= 0 {
                return;
            }
            let mut polled = libc::pollfd {
                fd: self.socket,
                events: libc::POLLOUT,
                revents: 0,
            };
            // SAFETY: the place is valid, and there is one.
            unsafe { libc::poll(&raw mut polled, 1, ROOM) };
        }
    }
}

/// The number of the system call that a filter has refused, if that is what happened.
fn system_call(info: &libc::siginfo_t) -> Option<u32> {
    /// Behind three numbers, padding, and an address.
    const PLACE: usize = 24;

    if info.si_signo != libc::SIGSYS || info.si_code <= 0 {
        return None;
    }
    let start = ptr::from_ref(info).cast::<u8>();
    // SAFETY: the description is 128 bytes long (sigaction(2)).
    let place = unsafe { start.add(PLACE) };
    // SAFETY: `si_syscall` is a number that stands there on all 64-bit systems; all bits are numbers.
    Some(unsafe { place.cast::<u32>().read_unaligned() })
}

/// The name of this thread as the kernel has it, filled with zeros.
fn thread_name() -> [u8; NAME] {
    let mut name = [0; NAME];
    // SAFETY: the call writes 16 bytes at most, which there are.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    name
}
