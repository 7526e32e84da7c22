//! Whether a process that crashed had been refused memory.
//!
//! Code that is refused memory mostly crashes: Rust's aborts, some follows a null pointer. For the
//! parent it is a crash like any other, and when it learns of it, all else that could tell is gone.
//! So a process with a limit leaves a note. In its last moment, the signal handler that tells of crashes
//! ([`crash`](super::crash)) looks for a sign, and if there is one, says so in memory that the parent
//! sees. There are two signs:
//!
//! * The thread's last failure was for want of memory (`ENOMEM`).
//! * The thread aborts inside of [`handle_alloc_error`], at which Rust's code ends that is refused
//!   memory. On its way to the abort it may have printed a backtrace, after which the last failure is
//!   another. So its place is looked for among the return addresses on the stack.
//!
//! Both are signs and no proof: a sign can be missed, and one that is old be taken for new.

#![expect(
    unsafe_code,
    reason = "a signal handler asks the kernel, and a word in shared memory is referred to"
)]

use std::alloc::{Layout, handle_alloc_error};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

use super::memory::{self, Mapping};

/// A page; it has no smaller pieces.
const LENGTH: usize = 4096;

/// What is noted.
const REFUSED: u32 = 1;

/// The note, as the parent sees it.
#[derive(Debug)]
pub(crate) struct Exhaustion(Mapping);

impl Exhaustion {
    /// A place for the note, and the file to hand over.
    pub(crate) fn new() -> io::Result<(Exhaustion, OwnedFd)> {
        let file = memory::create(LENGTH)?;
        Ok((Exhaustion(Mapping::new(file.as_fd(), LENGTH)?), file))
    }

    /// Whether the process crashed after it had been refused memory.
    pub(crate) fn is_noted(&self) -> bool {
        word(&self.0).load(Ordering::Relaxed) == REFUSED
    }
}

fn word(page: &Mapping) -> &AtomicU32 {
    // SAFETY: the mapping is longer than this, aligned to pages, and lives as long as the borrow;
    // its file can never shrink, and any bit pattern is an atomic integer.
    unsafe { page.base().cast::<AtomicU32>().as_ref() }
}

/// The word to write to, and the process whose crash is meant: not a copy of it made by `fork`.
static NOTE: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Lets a crash of this process be noted in a word, unless crashes are noted elsewhere already. The
/// failures so far do not count.
pub(crate) fn note_at(word: &'static AtomicU64) {
    forget_failures();
    if NOTE.load(Ordering::Relaxed).is_null() {
        // The half of it that comes first.
        let word = ptr::from_ref(word).cast::<AtomicU32>();
        note_in_word(word.cast_mut());
    }
}

/// Whether something is noted in a word.
pub(crate) fn is_noted_at(word: &AtomicU64) -> bool {
    word.load(Ordering::Relaxed) != 0
}

/// Forgets why the last call of this thread failed.
fn forget_failures() {
    // SAFETY: it takes nothing.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: it is this thread's own, for as long as that runs, and a number.
    unsafe { *place = 0 };
}

/// Lets a crash of this process be noted in the file, which [`Exhaustion::new`] made.
pub(crate) fn note_in(file: &OwnedFd) -> io::Result<()> {
    let (_, length) = memory::inspect(file.as_fd())?;
    if length != LENGTH {
        return Err(io::Error::other("the file is not one for a note"));
    }
    // There until the process ends.
    let page = Box::leak(Box::new(Mapping::new(file.as_fd(), LENGTH)?));
    note_in_word(ptr::from_ref(word(page)).cast_mut());
    Ok(())
}

/// The word stays where it is until the process ends.
fn note_in_word(word: *mut AtomicU32) {
    NOTE.store(word, Ordering::Relaxed);
    OWNER.store(std::process::id(), Ordering::Relaxed);
}

/// Makes the note if there is a sign. For the handler of a signal that ends this process; the stack of
/// what that has interrupted ends at `stack_pointer`.
pub(super) fn note_if_refused(signal: libc::c_int, stack_pointer: usize) {
    let is_refused = io::Error::last_os_error().raw_os_error() == Some(libc::ENOMEM)
        || (signal == libc::SIGABRT && is_allocation_error(stack_pointer));
    // SAFETY: a system call without arguments. libc's own may remember the parent's.
    let process = unsafe { libc::syscall(libc::SYS_getpid) };
    let is_owner = u32::try_from(process) == Ok(OWNER.load(Ordering::Relaxed));
    // SAFETY: null, or a word that is mapped until the process ends.
    if let Some(note) = unsafe { NOTE.load(Ordering::Relaxed).as_ref() }
        && is_refused
        && is_owner
    {
        note.store(REFUSED, Ordering::Relaxed);
    }
}

/// Whether this thread was inside of [`handle_alloc_error`] when the signal came.
fn is_allocation_error(stack_pointer: usize) -> bool {
    /// How long that function is at most, up to the call that does not return.
    const LENGTH: usize = 24;
    /// How far up the stack it may be.
    const DEPTH: usize = 64 << 10;
    const WORD: usize = size_of::<usize>();

    let function: fn(Layout) -> ! = handle_alloc_error;
    let function = function as usize;
    let start = stack_pointer.next_multiple_of(WORD);
    for place in (start..start + DEPTH).step_by(WORD) {
        // Once at the beginning, and once for each page.
        if (place == start || place % LEAST_PAGE < WORD) && !is_readable(place) {
            return false;
        }
        // SAFETY: aligned, and readable until this returns: it lies on this thread's own stack, or
        // on memory that is as good as that.
        let word = unsafe { ptr::with_exposed_provenance::<usize>(place).read_volatile() };
        if (function + 1..=function + LENGTH).contains(&word) {
            return true;
        }
    }
    false
}

/// No system has smaller pages.
const LEAST_PAGE: usize = 4096;

/// Whether there is memory at this address.
fn is_readable(address: usize) -> bool {
    // It is none of the three things that the call can do, so nothing is done; but the kernel reads
    // the set first, and tells what it met.
    const NOTHING: libc::c_int = -1;
    const LENGTH: usize = 8;
    let set = ptr::with_exposed_provenance::<libc::sigset_t>(address);
    let none = ptr::null_mut::<libc::sigset_t>();
    // SAFETY: the kernel looks itself whether it can read the set, and changes nothing.
    let asked = unsafe { libc::syscall(libc::SYS_rt_sigprocmask, NOTHING, set, none, LENGTH) };
    asked == -1 && io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL)
}
