//! Anonymous files in memory, and their mappings.

#![expect(
    unsafe_code,
    reason = "memory is mapped and unmapped, and the kernel advised"
)]

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::{self, NonNull};

use rustix::buffer::spare_capacity;
use rustix::fs::{
    FallocateFlags, MemfdFlags, Mode, OFlags, SealFlags, fallocate, fcntl_add_seals,
    fcntl_get_seals, fstat, ftruncate, memfd_create,
};
use rustix::io::{Errno, pread, pwrite, retry_on_intr};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, mmap_anonymous, munmap};
use rustix::process::{Resource, getrlimit};

use super::available_memory;
use crate::sys::refused::{Naming as _, named, without_proc};

/// After this a file cannot change its size any more, so no mapping of it can run into its end.
const SEALS: SealFlags = SealFlags::SHRINK
    .union(SealFlags::GROW)
    .union(SealFlags::SEAL);

/// After this the contents cannot change any more either, whichever processes have the file.
const SEALS_OF_CONTENTS: SealFlags = SEALS.union(SealFlags::WRITE);

/// A request above this is compared with what is to be had before anything is reserved. Smaller ones
/// are like other memory: many of them can be one too many.
const LARGE: u64 = 16 << 20;

/// A new file in memory, all of it reserved, of a size that is fixed for ever.
///
/// # Errors
///
/// "Cannot allocate memory", "file too large" and the like: there is no room.
pub(crate) fn create(length: usize) -> io::Result<OwnedFd> {
    reserve(length, SEALS)
}

/// A new file in memory, its beginning reserved, which can grow but never shrink: the beginning
/// can be mapped, and what lies behind be written and read.
///
/// # Errors
///
/// As [`create`].
pub(crate) fn create_growing(length: usize) -> io::Result<OwnedFd> {
    reserve(length, SealFlags::SHRINK.union(SealFlags::SEAL))
}

/// A new file in memory, all of it reserved, to be written and then [sealed](seal).
///
/// # Errors
///
/// As [`create`].
pub(crate) fn create_unsealed(length: usize) -> io::Result<OwnedFd> {
    reserve(length, SealFlags::empty())
}

/// Fixes size and contents of a file for ever, if it is such as [`create_unsealed`] makes.
pub(crate) fn seal(file: BorrowedFd<'_>) -> io::Result<()> {
    fcntl_add_seals(file, SEALS_OF_CONTENTS).naming("fcntl")
}

fn reserve(length: usize, seals: SealFlags) -> io::Result<OwnedFd> {
    let length = u64::try_from(length).map_err(|_| Errno::FBIG)?;
    if i64::try_from(length).is_err() {
        return Err(Errno::FBIG.into());
    }
    check_file_size_limit(length)?;
    if length > LARGE && available_memory::bytes().is_some_and(|available| available < length) {
        return Err(Errno::NOMEM.into());
    }
    let file = memfd_create("multiproc", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
        .naming("memfd_create")?;
    loop {
        match fallocate(&file, FallocateFlags::empty(), 0, length) {
            Ok(()) => break,
            Err(Errno::INTR) => {}
            Err(error) => return Err(named("fallocate", error.into())),
        }
    }
    fcntl_add_seals(&file, seals).naming("fcntl")?;
    Ok(file)
}

/// Refuses to write so far into a file as this process may not: the kernel would not only fail, but
/// also send a deadly signal.
pub(crate) fn check_file_size_limit(end: u64) -> io::Result<()> {
    match getrlimit(Resource::Fsize).current {
        Some(limit) if limit < end => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!(
                "it takes {end} bytes of shared memory, which counts as a file, and the limit on the size of files (`ulimit -f`) is {limit} bytes"
            ),
        )),
        _ => Ok(()),
    }
}

/// Which file it is, and its length if the file is such as [`create`] makes.
pub(crate) fn inspect(file: BorrowedFd<'_>) -> io::Result<(FileId, usize)> {
    let stat = fstat(file)?;
    if !fcntl_get_seals(file)?.contains(SEALS) {
        return Err(io::Error::other("the file can change its size"));
    }
    let length = usize::try_from(stat.st_size).map_err(|_| Errno::FBIG)?;
    Ok((identity_of(&stat), length))
}

/// Which file it is, and its length if it is [sealed](seal), and as much memory is reserved for it.
pub(crate) fn inspect_sealed(file: BorrowedFd<'_>) -> io::Result<(FileId, u64)> {
    let stat = fstat(file)?;
    if !fcntl_get_seals(file)?.contains(SEALS_OF_CONTENTS) {
        return Err(io::Error::other("the file can change"));
    }
    let length = u64::try_from(stat.st_size).unwrap_or(0);
    if u64::try_from(stat.st_blocks)
        .unwrap_or(0)
        .saturating_mul(512)
        < length
    {
        return Err(io::Error::other("the file has holes"));
    }
    Ok((identity_of(&stat), length))
}

/// The length that the file has at least, for ever, if it is such as [`create_growing`] makes.
pub(crate) fn least_length(file: BorrowedFd<'_>) -> io::Result<u64> {
    if !fcntl_get_seals(file)?.contains(SealFlags::SHRINK) {
        return Err(io::Error::other("the file can shrink"));
    }
    Ok(u64::try_from(fstat(file)?.st_size).unwrap_or(0))
}

/// Which file it is.
pub(crate) fn identity(file: BorrowedFd<'_>) -> io::Result<FileId> {
    Ok(identity_of(&fstat(file)?))
}

/// Device and number of a file.
pub(crate) type FileId = (u64, u64);

fn identity_of(stat: &rustix::fs::Stat) -> FileId {
    (stat.st_dev, stat.st_ino)
}

/// How many bytes of memory the file takes.
pub(crate) fn used(file: &OwnedFd) -> io::Result<u64> {
    let blocks = u64::try_from(fstat(file)?.st_blocks).unwrap_or(0);
    Ok(blocks.saturating_mul(512))
}

/// Writes some of the bytes at an offset, and says how many.
pub(crate) fn write_at(file: &OwnedFd, bytes: &[u8], offset: u64) -> io::Result<usize> {
    Ok(retry_on_intr(|| pwrite(file, bytes, offset))?)
}

/// Copies what is left of a file to an offset, up to so many bytes, and says how many there were.
pub(crate) fn copy_from(
    source: &mut File,
    most: u64,
    target: &OwnedFd,
    offset: u64,
) -> io::Result<u64> {
    // A descriptor of the same opening, which std copies to within the kernel.
    let mut target = File::from(target.try_clone()?);
    target.seek(SeekFrom::Start(offset))?;
    io::copy(&mut source.take(most), &mut target)
}

/// Makes a file that is not sealed yet so long.
pub(crate) fn set_length(file: &OwnedFd, length: u64) -> io::Result<()> {
    Ok(ftruncate(file, length)?)
}

/// Reads some of the bytes at an offset, and says how many.
pub(crate) fn read_at(file: &OwnedFd, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    Ok(retry_on_intr(|| pread(file, &mut *bytes, offset))?)
}

/// Appends bytes at an offset, as many as there is capacity for or fewer, and says how many.
pub(crate) fn read_into(file: &OwnedFd, bytes: &mut Vec<u8>, offset: u64) -> io::Result<usize> {
    Ok(retry_on_intr(|| {
        pread(file, spare_capacity(bytes), offset)
    })?)
}

/// Reserves a part of a file that can grow, which is as long as that from then on at least.
pub(crate) fn reserve_part(file: &OwnedFd, offset: u64, length: u64) -> io::Result<()> {
    let reserve = || fallocate(file, FallocateFlags::empty(), offset, length);
    retry_on_intr(reserve).naming("fallocate")
}

/// Gives the memory of a part of the file back. The file stays as long as it is.
pub(crate) fn give_back(file: &OwnedFd, offset: u64, length: u64) -> io::Result<()> {
    let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    Ok(fallocate(file, flags, offset, length)?)
}

/// Another opening of the same file, with locks of its own.
pub(crate) fn reopen(file: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    loop {
        match rustix::fs::open(&path, OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()) {
            Ok(opened) => return Ok(opened),
            Err(Errno::INTR) => {}
            Err(error) => return Err(without_proc(error.into())),
        }
    }
}

/// Asks the kernel to back memory that is about to be written with pages of 2 MiB instead of 4 KiB, where
/// it can: it is entered once for five hundred times less.
pub(crate) fn prefer_huge_pages<T>(memory: &mut [MaybeUninit<T>]) {
    let page = rustix::param::page_size();
    let start = memory.as_mut_ptr().cast::<u8>();
    let skipped = start.align_offset(page);
    let Some(length) = size_of_val(memory).checked_sub(skipped) else {
        return;
    };
    let whole = start.wrapping_add(skipped);
    // SAFETY: the range is within memory that is borrowed here, and the advice changes nothing of what
    // stands in it.
    let _ = unsafe { madvise(whole.cast(), length - length % page, Advice::LinuxHugepage) };
}

/// Memory of this process that is zero, and takes none before it is written to. An allocator promises the
/// first only, and writes the zeros where it uses memory again.
#[derive(Debug)]
pub(crate) struct Untouched {
    base: NonNull<u8>,
    length: usize,
}

impl Untouched {
    pub(crate) fn new(length: usize) -> io::Result<Untouched> {
        // SAFETY: a new mapping is placed where the kernel likes, over nothing that exists.
        let base =
            unsafe { mmap_anonymous(ptr::null_mut(), length, READ_WRITE, MapFlags::PRIVATE)? };
        NonNull::new(base.cast::<u8>())
            .map(|base| Untouched { base, length })
            .ok_or_else(|| Errno::NOMEM.into())
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: so many bytes are mapped, were zeroed by the kernel, and are reached through `self` alone,
        // which is borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.base.as_ptr(), self.length) }
    }
}

impl Drop for Untouched {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length; what was lent of it is given back, since `self` is dropped.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.length) };
    }
}

const READ_WRITE: ProtFlags = ProtFlags::READ.union(ProtFlags::WRITE);

/// A file's memory, seen by this process until the value is dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    base: NonNull<u8>,
    length: usize,
}

// SAFETY: the value is an address and a length; what lies there is only reached through raw
// pointers, whose users answer for it.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps the first `length` bytes.
    pub(crate) fn new(file: BorrowedFd<'_>, length: usize) -> io::Result<Mapping> {
        Mapping::map(file, length, READ_WRITE, MapFlags::SHARED)
    }

    /// The same for what is reserved and will be used as a whole: the kernel is not asked for each page
    /// when it is.
    pub(crate) fn populated(file: BorrowedFd<'_>, length: usize) -> io::Result<Mapping> {
        let flags = MapFlags::SHARED | MapFlags::POPULATE;
        Mapping::map(file, length, READ_WRITE, flags)
    }

    /// Maps the first `length` bytes to read them. The kernel refuses some shared mappings of a file that is
    /// [sealed](seal), and a private one that is never written to is the same memory.
    pub(crate) fn of_sealed(file: BorrowedFd<'_>, length: usize) -> io::Result<Mapping> {
        Mapping::map(file, length, ProtFlags::READ, MapFlags::PRIVATE)
    }

    fn map(
        file: BorrowedFd<'_>,
        length: usize,
        access: ProtFlags,
        flags: MapFlags,
    ) -> io::Result<Mapping> {
        // SAFETY: the kernel chooses an address that is free.
        let base = unsafe { mmap(ptr::null_mut(), length, access, flags, file, 0)? };
        NonNull::new(base.cast::<u8>())
            .map(|base| Mapping { base, length })
            .ok_or_else(|| Errno::NOMEM.into())
    }

    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and the owner that drops the value has given up
        // all pointers into it.
        let _ = unsafe { munmap(self.base.as_ptr().cast(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn sizes_that_cannot_be_are_errors() {
        assert!(create(usize::MAX).is_err());
        assert!(create(1 << 60).is_err());
        assert!(create(0).is_err());
    }

    #[test]
    fn a_file_cannot_change_its_size() {
        let file = create(4096).unwrap();
        assert!(rustix::fs::ftruncate(&file, 0).is_err());
        assert!(rustix::fs::ftruncate(&file, 8192).is_err());
        assert_eq!(inspect(file.as_fd()).unwrap().1, 4096);
        let null = std::fs::File::open("/dev/null").unwrap();
        assert!(inspect(null.as_fd()).is_err());
    }

    #[test]
    fn what_is_sealed_cannot_change() {
        let file = create_unsealed(4096).unwrap();
        assert!(inspect_sealed(file.as_fd()).is_err());
        assert_eq!(write_at(&file, b"fixed", 0).unwrap(), 5);
        seal(file.as_fd()).unwrap();
        assert_eq!(inspect_sealed(file.as_fd()).unwrap().1, 4096);
        assert!(write_at(&file, b"other", 0).is_err());
        assert!(rustix::fs::ftruncate(&file, 0).is_err());
        assert!(Mapping::new(file.as_fd(), 4096).is_err());
        let mapping = Mapping::of_sealed(file.as_fd(), 4096).unwrap();
        // SAFETY: the mapping is alive and as long.
        let bytes = unsafe { std::slice::from_raw_parts(mapping.base().as_ptr(), 5) };
        assert_eq!(bytes, b"fixed");
    }

    #[test]
    fn memory_that_is_not_there_is_not_believed() {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = memfd_create("sparse", flags).unwrap();
        rustix::fs::ftruncate(&file, 1 << 40).unwrap();
        seal(file.as_fd()).unwrap();
        assert!(inspect_sealed(file.as_fd()).is_err());
    }

    #[test]
    fn openings_show_the_same_memory() {
        let file = create(4096).unwrap();
        let again = reopen(file.as_fd()).unwrap();
        let one = Mapping::new(file.as_fd(), 4096).unwrap();
        let two = Mapping::new(again.as_fd(), 4096).unwrap();
        // SAFETY: both mappings are alive and no other code writes there.
        unsafe { one.base().as_ptr().write_volatile(42) };
        // SAFETY: as above.
        assert_eq!(unsafe { two.base().as_ptr().read_volatile() }, 42);
        assert_eq!(
            identity(file.as_fd()).unwrap(),
            identity(again.as_fd()).unwrap()
        );
    }
}
