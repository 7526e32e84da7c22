//! Which process this is: the one that something belongs to, or a copy of it that was made by
//! `fork`.
//!
//! A copy has all the memory and descriptors of the original, but only the thread that called
//! `fork`. It must neither answer in the place of the original nor end what belongs to that, and
//! a lock that another thread held just then is never given back in it: code that may run in a copy
//! asks here before anything else.

#![expect(
    unsafe_code,
    reason = "memory is mapped that the kernel wipes in copies, and a copy is ended"
)]

use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering::Relaxed};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous};

/// The process in which something was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Home(u32);

impl Home {
    /// This process.
    pub(crate) fn here() -> Home {
        prepare();
        Home(id())
    }

    /// Whether this process is the one, and not a copy of it. Without a system call: it is asked several
    /// times for each short task.
    pub(crate) fn is_here(self) -> bool {
        self.0 == id()
    }
}

/// The number of this process, which is noted where the kernel wipes it in copies. Nothing is waited for:
/// who asks may be a copy.
fn id() -> u32 {
    let Some(Some(page)) = PAGE.get() else {
        return std::process::id();
    };
    match page.id.load(Relaxed) {
        0 => {
            let id = std::process::id();
            page.id.store(id, Relaxed);
            id
        }
        id => id,
    }
}

/// What stands on a page that is zeroed in each copy, which may write there itself.
#[derive(Debug)]
#[repr(C)]
struct Page {
    /// The number of this process, or 0 if it is not noted.
    id: AtomicU32,
    /// What [`Original`] has.
    mark: AtomicU8,
}

/// What tells a process that runs workers from its copies.
#[derive(Debug)]
struct Original {
    home: Home,
    /// Not zero here, and zero in copies.
    mark: Option<&'static AtomicU8>,
}

static ORIGINAL: OnceLock<Original> = OnceLock::new();

static PAGE: OnceLock<Option<&'static Page>> = OnceLock::new();

/// Does now what [`set_original`] would do first in each clone of this process.
pub(crate) fn prepare() {
    PAGE.get_or_init(page);
}

/// Notes that this process is no copy: those made from now on are.
pub(crate) fn set_original() {
    let _ = ORIGINAL.set(Original {
        home: Home::here(),
        mark: mark(),
    });
}

/// Whether this process is a copy of the one that said [`set_original`]. Without a system call, so
/// that it can be asked around each of many short tasks.
#[inline]
pub(crate) fn is_copy() -> bool {
    match ORIGINAL.get() {
        None => false,
        Some(Original {
            mark: Some(mark), ..
        }) => mark.load(Relaxed) == 0,
        Some(Original { home, mark: None }) => !home.is_here(),
    }
}

/// Ends this process if it is a copy: at once, without destructors, exit handlers, or flushing
/// what the original will flush.
#[inline]
pub(crate) fn leave_if_copy() {
    if is_copy() {
        // SAFETY: a system call that ends the process; it has no other effect.
        unsafe { libc::_exit(0) };
    }
}

/// A byte that is 1 in this process, and 0 in all copies of it.
fn mark() -> Option<&'static AtomicU8> {
    let mark = &(*PAGE.get_or_init(page))?.mark;
    mark.store(1, Relaxed);
    Some(mark)
}

/// Memory that is zero in all copies of this process.
fn page() -> Option<&'static Page> {
    let length = rustix::param::page_size();
    let protection = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: a new mapping is placed where the kernel likes, over nothing that exists.
    let page = unsafe { mmap_anonymous(ptr::null_mut(), length, protection, MapFlags::PRIVATE) };
    let page = page.ok()?;
    // SAFETY: the range is exactly that mapping, which nothing refers to yet; the advice changes
    // what stands in it in copies of this process only, where zeros are valid too.
    unsafe { madvise(page, length, Advice::LinuxWipeOnFork) }.ok()?;
    // SAFETY: the mapping is page-aligned, long enough, zeroed by the kernel, and stays for the
    // rest of the process's life; it is used as these atomics only.
    Some(unsafe { &*page.cast::<Page>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_told_from_the_original() {
        let (home, mark) = (Home::here(), mark());
        let is_original = || home.is_here() && mark.is_none_or(|mark| mark.load(Relaxed) != 0);
        assert!(is_original());
        let _copy = crate::probe::allow_copy();
        // SAFETY: the copy makes system calls only.
        let copy = unsafe { libc::fork() };
        if copy == 0 {
            let status = i32::from(is_original());
            // SAFETY: this ends the copy.
            unsafe { libc::_exit(status) };
        }
        let mut status = 0;
        // SAFETY: it waits for the child made above, and `status` is valid meanwhile.
        assert_eq!(unsafe { libc::waitpid(copy, &raw mut status, 0) }, copy);
        assert_eq!(status, 0);
        assert!(is_original());
    }
}
