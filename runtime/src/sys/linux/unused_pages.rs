//! Forgetting the pages of files that a process that rests does not use just then.
//!
//! Until its worker runs, a process goes through code that it hardly needs again: of the dynamic loader,
//! of constructors, of this library. The memory is the page cache's, and all processes of the program
//! share it; but as long as a process maps it, its share counts as its own (PSS), and it has page tables
//! to match. So when the worker rests, the process lets go of all that it maps from files and has not
//! changed. What is needed again comes back from the page cache, some pages at a time.
//!
//! Measured in a program of 2.5 MiB, in KiB of PSS:
//!
//! | | without | with |
//! |---|---|---|
//! | a clone alone; each of 32 | 939; 161 | 253; 98, of which its own: 84 |
//! | a re-executed one alone; each of 32 | 1319; 252 | 388; 213, of which its own: 195 |
//! | each of 32 workers of a pool | 166 | 109, of which its own: 92 |
//!
//! It takes a tenth of a millisecond, once for each time that a process has become twice as old; a worker
//! that goes on then needs another twentieth for what comes back.
//!
//! # What must not be forgotten
//!
//! A page of a file that was changed in memory is a private copy: relocated data, breakpoints, code
//! that was patched. The kernel tells which ones are (`/proc/self/pagemap`), and these stay. What is
//! changed between the look and the advice would be lost. So this is done while the only other thread of
//! the process [rests](super::runner::Runner::rests): it would have to wake up, make the page writable and
//! write, within a few microseconds.
//!
//! # Where nothing is forgotten
//!
//! A worker may have had a filter on system calls put on all threads of its process, which kills it for
//! opening a file. So a process that has any filter, as those in most containers have, keeps what it has.

#![expect(
    unsafe_code,
    reason = "memory is mapped for a moment, and pages are forgotten that come back as they were"
)]

use std::io;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::slice;

use rustix::ffi::CStr;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{pread, read};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
use rustix::thread::{SecureComputingMode, secure_computing_mode};

/// Whether this process may look for what it can forget: no filter on system calls forbids that.
pub(crate) fn can_be_seen() -> bool {
    secure_computing_mode() == Ok(SecureComputingMode::Disabled)
}

/// Forgets what this process maps from files, can read but not write, and has not changed.
///
/// # Errors
///
/// `/proc` does not tell, or the kernel does not let go of a page: nothing, or not all, is forgotten.
pub(crate) fn forget() -> io::Result<()> {
    let mut scratch = Scratch::new()?;
    let (list, pages) = scratch.parts();
    let length = read_all(&open_read(c"/proc/self/maps")?, list)?;
    let pagemap = open_read(c"/proc/self/pagemap")?;
    let page = rustix::param::page_size();
    for mapped in list[..length].split(|byte| *byte == b'\n').filter_map(file) {
        for start in mapped.clone().step_by(page * (pages.len() / ENTRY)) {
            let count = ((mapped.end - start) / page).min(pages.len() / ENTRY);
            let offset = start / page * ENTRY;
            let told = pread(&pagemap, &mut pages[..count * ENTRY], offset as u64)?;
            let (entries, _) = pages[..told].as_chunks::<ENTRY>();
            let mut first = 0;
            for run in entries.chunk_by(|one, next| is_unchanged(*one) == is_unchanged(*next)) {
                if is_unchanged(run[0]) {
                    forget_pages(start + first * page, run.len() * page)?;
                }
                first += run.len();
            }
        }
    }
    Ok(())
}

/// How long the kernel's description of a page is.
const ENTRY: usize = size_of::<u64>();

/// Whether a page of a private mapping of a file is the file's, or not there (the kernel's
/// `admin-guide/mm/pagemap`).
fn is_unchanged(entry: [u8; ENTRY]) -> bool {
    const OF_A_FILE: u64 = 1 << 61;
    const SWAPPED: u64 = 1 << 62;
    const PRESENT: u64 = 1 << 63;

    match u64::from_ne_bytes(entry) & (OF_A_FILE | SWAPPED | PRESENT) {
        0 => true,
        entry => entry == OF_A_FILE | PRESENT,
    }
}

/// Where a file is mapped such that it can be read and not written, and changes would be private, if that
/// is what this line of `/proc/self/maps` says: `start-end permissions offset device inode path` (proc(5)).
fn file(line: &[u8]) -> Option<Range<usize>> {
    let mut fields = str::from_utf8(line).ok()?.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let is_read_only = matches!(fields.next()?, "r-xp" | "r--p");
    let inode = fields.nth(2)?;
    let address = |digits| usize::from_str_radix(digits, 16).ok();
    let range = address(start)?..address(end)?;
    (is_read_only && inode != "0" && !range.is_empty()).then_some(range)
}

fn forget_pages(start: usize, length: usize) -> io::Result<()> {
    let start = ptr::with_exposed_provenance_mut(start);
    // SAFETY: these pages are mapped from a file, privately; they cannot be written to, and were not
    // changed since: the module's head says what that rests on. So they have afterwards the contents
    // that they have before, those of the file (madvise(2)).
    Ok(unsafe { madvise(start, length, Advice::LinuxDontNeed) }?)
}

fn open_read(path: &CStr) -> io::Result<OwnedFd> {
    Ok(open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Reads a file from its beginning, as much as there is room for. How much that was.
fn read_all(file: &OwnedFd, room: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < room.len() {
        match read(file.as_fd(), &mut room[length..])? {
            0 => return Ok(length),
            more => length += more,
        }
    }
    // The last line may not be there as a whole.
    let whole = room.iter().rposition(|byte| *byte == b'\n');
    Ok(whole.unwrap_or(0))
}

/// Memory that is given back as a whole: on the heap and the stack, it would stay.
#[derive(Debug)]
struct Scratch(NonNull<u8>);

impl Scratch {
    /// Room for the list of mappings. Only what is used takes memory.
    const LIST: usize = 192 << 10;

    /// Room for what the kernel tells of pages.
    const PAGES: usize = 16 << 10;

    fn new() -> io::Result<Scratch> {
        let (length, protection) = (Self::LIST + Self::PAGES, ProtFlags::READ | ProtFlags::WRITE);
        // SAFETY: a new mapping is placed where the kernel likes, over nothing that exists.
        let base =
            unsafe { mmap_anonymous(ptr::null_mut(), length, protection, MapFlags::PRIVATE) }?;
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Scratch(base))
    }

    fn parts(&mut self) -> (&mut [u8], &mut [u8]) {
        // SAFETY: the mapping is as long as this, has zeros, lives as long as `self`, and is borrowed from
        // that.
        let bytes = unsafe { slice::from_raw_parts_mut(self.0.as_ptr(), Self::LIST + Self::PAGES) };
        bytes.split_at_mut(Self::LIST)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's, and nothing is borrowed from it any more.
        let _ = unsafe { munmap(self.0.as_ptr().cast(), Self::LIST + Self::PAGES) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_files_that_are_not_written_to_are_read() {
        let line = b"7f1c8e000000-7f1c8e022000 r-xp 0002a000 08:01 1234   /usr/lib/a b.so";
        assert_eq!(file(line), Some(0x7f1c_8e00_0000..0x7f1c_8e02_2000));
        for line in [
            "",
            "7f-80",
            "7000-8000 rw-p 0 08:01 7 /a",
            "7000-8000 r--s 0 08:01 7 /a",
            "7000-8000 r-xp 0 00:00 0 [vdso]",
            "8000-7000 r-xp 0 08:01 7 /a",
            "g-80 r-xp 0 08:01 7 /a",
        ] {
            assert_eq!(file(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn what_was_changed_is_kept() {
        let entry = |bits: u64| bits.to_ne_bytes();
        assert!(is_unchanged(entry(0)));
        assert!(is_unchanged(entry(1 << 63 | 1 << 61)));
        // A copy, one that is swapped out, and a page of a file that is.
        for bits in [1 << 63, 1 << 62, 1 << 62 | 1 << 61] {
            assert!(!is_unchanged(entry(bits)));
        }
    }

    #[test]
    fn pages_come_back_as_they_were() {
        let path = std::env::temp_dir().join(format!("multiproc-pages-{}", std::process::id()));
        let page = rustix::param::page_size();
        std::fs::write(&path, vec![7; 3 * page]).unwrap();
        let file = std::fs::File::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping is placed where the kernel likes.
        let base = unsafe {
            rustix::mm::mmap(
                ptr::null_mut(),
                3 * page,
                protection,
                MapFlags::PRIVATE,
                &file,
                0,
            )
        };
        let base = base.unwrap().cast::<u8>();
        // SAFETY: the mapping is that long.
        let contents = || unsafe { slice::from_raw_parts(base, 3 * page) }.to_vec();
        // SAFETY: it can be written to, and nothing refers to it.
        unsafe { base.wrapping_add(page).write(8) };
        // SAFETY: it is this mapping.
        unsafe { rustix::mm::mprotect(base.cast(), 3 * page, rustix::mm::MprotectFlags::READ) }
            .unwrap();
        let before = contents();
        assert_eq!((before[0], before[page], before[page + 1]), (7, 8, 7));
        forget().unwrap();
        assert!(contents() == before);
        // The code, too: of this test, and of what it calls.
        assert_eq!(format!("{:?}", [1.5, 2.25]), "[1.5, 2.25]");
        // SAFETY: it is this mapping, which nothing refers to any more.
        unsafe { munmap(base.cast(), 3 * page) }.unwrap();
    }
}
