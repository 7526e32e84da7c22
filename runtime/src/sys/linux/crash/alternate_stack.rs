//! A stack for signal handlers, for when a thread's own is used up.
//!
//! One that is not used any more is kept for the next thread that needs one, if there is none kept yet: so
//! a clone finds the one that its fork server has rehearsed with, and neither maps nor touches one.

use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicPtr;
use std::sync::atomic::Ordering::{AcqRel, Relaxed};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

/// Enough for the unwinder. Only what is used takes memory.
const LENGTH: usize = 128 << 10;

/// What the lowest bytes of a stack say that belongs to this module.
const SIGN: u64 = 0x6d75_6c74_6970_726f;

/// The lowest bytes, which a stack comes to last.
#[repr(C)]
#[derive(PartialEq)]
struct Bottom {
    sign: u64,
    /// See [`guard`].
    start: usize,
    end: usize,
}

/// The stack of this thread's signal handlers, as long as it is not dropped.
#[derive(Debug)]
pub(crate) struct AlternateStack(NonNull<Bottom>);

impl AlternateStack {
    /// Gives this thread one, unless it has one. `None` then, and if there is no memory for it: a
    /// crash by a used-up stack is not explained.
    pub(crate) fn install() -> Option<AlternateStack> {
        let mut present = MaybeUninit::<libc::stack_t>::zeroed();
        // SAFETY: without a new stack the call only writes the present one.
        if unsafe { libc::sigaltstack(ptr::null(), present.as_mut_ptr()) } != 0 {
            return None;
        }
        // SAFETY: the call has written it.
        if unsafe { present.assume_init() }.ss_flags & libc::SS_DISABLE == 0 {
            return None;
        }
        let stack = AlternateStack(kept_or_mapped()?);
        let guard = own_guard();
        let bottom = Bottom {
            sign: SIGN,
            start: guard.start,
            end: guard.end,
        };
        // SAFETY: the mapping is this value's, readable, aligned to pages, and longer than that; where
        // nothing was written yet it has zeros.
        if unsafe { stack.0.read() } != bottom {
            // SAFETY: likewise, and writable.
            unsafe { stack.0.write(bottom) };
        }
        let alternate = libc::stack_t {
            ss_sp: stack.0.as_ptr().cast(),
            ss_flags: 0,
            ss_size: LENGTH,
        };
        // SAFETY: the mapping stays until the thread has no alternate stack any more, see `drop`.
        let set = unsafe { libc::sigaltstack(&raw const alternate, ptr::null_mut()) };
        (set == 0).then_some(stack)
    }
}

impl Drop for AlternateStack {
    fn drop(&mut self) {
        let none = libc::stack_t {
            ss_sp: ptr::null_mut(),
            ss_flags: libc::SS_DISABLE,
            ss_size: LENGTH,
        };
        let mut present = MaybeUninit::<libc::stack_t>::zeroed();
        // SAFETY: the call only writes the present one.
        let asked = unsafe { libc::sigaltstack(ptr::null(), present.as_mut_ptr()) };
        // SAFETY: zeros are a valid one, if it has not been written.
        let present = unsafe { present.assume_init() };
        if asked != 0 || present.ss_sp.cast() != self.0.as_ptr() {
            // It is still there, or another's is, in place of it: which may come back to this one.
            return;
        }
        // SAFETY: it takes away what `install` has given, on the thread that has it: the type is not
        // `Send`.
        let taken = unsafe { libc::sigaltstack(&raw const none, ptr::null_mut()) } == 0;
        let kept = |stack| KEPT.compare_exchange(ptr::null_mut(), stack, AcqRel, Relaxed);
        if taken && kept(self.0.as_ptr()).is_err() {
            // SAFETY: the mapping is this value's, and no handler runs on it any more.
            let _ = unsafe { munmap(self.0.as_ptr().cast(), LENGTH) };
        }
    }
}

/// The mapping of a stack that no thread has.
static KEPT: AtomicPtr<Bottom> = AtomicPtr::new(ptr::null_mut());

/// The mapping of a stack, for one thread.
fn kept_or_mapped() -> Option<NonNull<Bottom>> {
    if let Some(kept) = NonNull::new(KEPT.swap(ptr::null_mut(), AcqRel)) {
        return Some(kept);
    }
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE | MapFlags::STACK;
    // SAFETY: a new mapping is placed where the kernel likes, over nothing that exists.
    let base = unsafe { mmap_anonymous(ptr::null_mut(), LENGTH, protection, flags) };
    NonNull::new(base.ok()?.cast())
}

/// Where an access means that the thread whose handlers have this stack has none left of its own; empty
/// if that is not known.
pub(super) fn guard(alternate: &libc::stack_t) -> Range<usize> {
    let bottom = alternate.ss_sp.cast::<Bottom>();
    if alternate.ss_flags & libc::SS_DISABLE != 0
        || alternate.ss_size < size_of::<Bottom>()
        || !bottom.is_aligned()
        || bottom.is_null()
    {
        return 0..0;
    }
    // SAFETY: it is aligned, and a handler's stack is readable. Whatever stands there is numbers.
    let bottom = unsafe { bottom.read_volatile() };
    if bottom.sign == SIGN {
        bottom.start..bottom.end
    } else {
        0..0
    }
}

/// The guard pages of this thread's stack, and what large frames may meet when they jump over them;
/// empty if libc does not tell.
fn own_guard() -> Range<usize> {
    /// How far they jump at most.
    const JUMP: usize = 64 << 10;

    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: it takes nothing.
    let thread = unsafe { libc::pthread_self() };
    // SAFETY: the thread runs, and the place to write to is valid.
    let asked = unsafe { libc::pthread_getattr_np(thread, attributes.as_mut_ptr()) };
    if asked != 0 {
        return 0..0;
    }
    let (mut start, mut length, mut guard) = (ptr::null_mut(), 0, 0);
    let attributes = attributes.as_mut_ptr();
    // SAFETY: the attributes have been written, and the places are valid.
    let of_stack =
        unsafe { libc::pthread_attr_getstack(attributes, &raw mut start, &raw mut length) };
    // SAFETY: as above.
    let of_guard = unsafe { libc::pthread_attr_getguardsize(attributes, &raw mut guard) };
    // SAFETY: they are not used any more.
    unsafe { libc::pthread_attr_destroy(attributes) };
    if of_stack != 0 || of_guard != 0 {
        return 0..0;
    }
    // Some versions of libc count the guard to the stack, and others not.
    let start = start.addr();
    start.saturating_sub(guard + JUMP)..start + guard
}
