//! A few words and bytes of memory that a pool and one of its workers share.
//!
//! Whatever becomes of the worker, the memory stays readable for the pool: what stood in it when
//! the worker died is what the worker had done.

#![expect(
    unsafe_code,
    reason = "memory is mapped, and unmapped when the board is dropped"
)]

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

use super::refused::Naming as _;

/// The words.
pub(crate) const WORDS: usize = 72;

/// The bytes behind them.
pub(crate) const BYTES: usize = (64 << 10) - WORDS * size_of::<u64>();

#[repr(C)]
struct Layout {
    words: [AtomicU64; WORDS],
    bytes: [AtomicU8; BYTES],
}

/// The memory, mapped into this process.
#[derive(Debug)]
pub(crate) struct Board {
    memory: NonNull<Layout>,
    descriptor: Arc<OwnedFd>,
}

// SAFETY: the memory is atomics only, which any thread may use, and it is this value's until it
// is dropped.
unsafe impl Send for Board {}
// SAFETY: as above.
unsafe impl Sync for Board {}

impl Board {
    /// Fresh memory, all zero.
    pub(crate) fn new() -> io::Result<Board> {
        let descriptor =
            memfd_create("multiproc-board", MemfdFlags::CLOEXEC).naming("memfd_create")?;
        ftruncate(&descriptor, size_of::<Layout>() as u64)?;
        Board::map(Arc::new(descriptor))
    }

    /// The memory behind a descriptor that [`Board::new`] made, here or in another process.
    pub(crate) fn map(descriptor: Arc<OwnedFd>) -> io::Result<Board> {
        let long_enough = rustix::fs::fstat(&descriptor)?.st_size
            >= i64::try_from(size_of::<Layout>()).unwrap_or(i64::MAX);
        if !long_enough {
            return Err(io::Error::other("the memory is not a board"));
        }
        // SAFETY: a new mapping is placed where the kernel likes, over nothing that exists.
        let memory = unsafe {
            mmap(
                std::ptr::null_mut(),
                size_of::<Layout>(),
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                descriptor.as_fd(),
                0,
            )?
        };
        let memory = NonNull::new(memory.cast::<Layout>())
            .ok_or_else(|| io::Error::other("memory was mapped at 0"))?;
        Ok(Board { memory, descriptor })
    }

    /// What the other process maps.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    pub(crate) fn words(&self) -> &[AtomicU64; WORDS] {
        &self.layout().words
    }

    pub(crate) fn bytes(&self) -> &[AtomicU8; BYTES] {
        &self.layout().bytes
    }

    fn layout(&self) -> &Layout {
        // SAFETY: the mapping is as long as the layout (the file is: it was made or checked so,
        // and nobody shrinks it), page-aligned, made of atomics for which every bit pattern is
        // valid, and lives as long as `self`.
        unsafe { self.memory.as_ref() }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's, and every borrow of it ended with `self`'s.
        let _ = unsafe { munmap(self.memory.as_ptr().cast(), size_of::<Layout>()) };
    }
}
