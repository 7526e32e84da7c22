//! A system on which no process can be started, no memory shared and no connection made.
//!
//! Types of what cannot be there have no values, so most of what could be done with them need not
//! be written down.

use std::io;

/// The error of what only a supported system can do.
#[cold]
pub(crate) fn unsupported_here() -> io::Error {
    let text = "multiproc supports Linux on x86-64 and aarch64 only";
    io::Error::new(io::ErrorKind::Unsupported, text)
}

pub(crate) mod clock {
    use std::sync::OnceLock;
    use std::time::Instant;

    pub(crate) fn nanoseconds() -> u64 {
        static BEGIN: OnceLock<Instant> = OnceLock::new();
        let since = BEGIN.get_or_init(Instant::now).elapsed();
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }

    pub(crate) fn tick() -> u64 {
        nanoseconds()
    }
}

pub(crate) mod copy {
    /// The process in which something was made: the only one.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Home;

    impl Home {
        pub(crate) fn here() -> Home {
            Home
        }

        pub(crate) fn is_here(self) -> bool {
            true
        }
    }

    pub(crate) fn is_copy() -> bool {
        false
    }

    pub(crate) fn leave_if_copy() {}
}

pub(crate) mod crash {
    /// No process is asked where its worker is.
    #[derive(Debug)]
    pub(crate) struct WorkerThread;

    impl WorkerThread {
        pub(crate) fn begin() -> WorkerThread {
            WorkerThread
        }
    }
}

pub(crate) mod descriptors {
    use std::io;

    use super::unsupported_here;
    use crate::sys::fd::{BorrowedFd, OwnedFd};

    #[derive(Debug)]
    pub(crate) struct ReceivedFds {
        pub(crate) bytes: usize,
        pub(crate) descriptors: Vec<OwnedFd>,
        pub(crate) truncated: bool,
    }

    pub(crate) fn try_send(_: BorrowedFd<'_>, _: &[u8], _: &[BorrowedFd<'_>]) -> io::Result<()> {
        Err(unsupported_here())
    }

    pub(crate) fn try_receive(_: BorrowedFd<'_>, _: &mut [u8]) -> io::Result<ReceivedFds> {
        Err(unsupported_here())
    }

    pub(crate) fn is_over(_: BorrowedFd<'_>) -> io::Result<bool> {
        Err(unsupported_here())
    }
}

pub(crate) mod exhaustion {
    use std::convert::Infallible;
    use std::io;
    use std::sync::atomic::AtomicU64;

    use super::unsupported_here;
    use crate::sys::fd::OwnedFd;

    #[derive(Debug)]
    pub(crate) struct Exhaustion(Infallible);

    impl Exhaustion {
        pub(crate) fn new() -> io::Result<(Exhaustion, OwnedFd)> {
            Err(unsupported_here())
        }

        pub(crate) fn is_noted(&self) -> bool {
            match self.0 {}
        }
    }

    pub(crate) fn note_at(_: &'static AtomicU64) {}

    pub(crate) fn is_noted_at(_: &AtomicU64) -> bool {
        false
    }
}

pub(crate) mod timer_fd {
    use std::io;
    use std::time::Instant;

    use super::unsupported_here;
    use crate::sys::fd::OwnedFd;

    pub(crate) fn readable_at(_: Instant) -> io::Result<OwnedFd> {
        Err(unsupported_here())
    }
}

pub(crate) mod exit_status {
    use std::process::ExitStatus;

    pub(crate) fn into_raw(_: ExitStatus) -> i32 {
        0
    }

    pub(crate) fn from_raw(_: i32) -> Option<ExitStatus> {
        None
    }

    pub(crate) fn signal(_: ExitStatus) -> Option<i32> {
        None
    }

    pub(crate) fn is_killed(_: ExitStatus) -> bool {
        false
    }

    pub(crate) fn has_dumped_core(_: ExitStatus) -> bool {
        false
    }
}

/// No word is shared, so no process sleeps on one.
pub(crate) mod futex {
    use std::time::Duration;

    use crate::sys::atomic::AtomicU32;

    pub(crate) fn wait(_: &AtomicU32, _: u32, _: Duration) {}

    pub(crate) fn wake(_: &AtomicU32, _: u32) -> usize {
        0
    }

    pub(crate) fn wake_all(_: &AtomicU32) {}
}

pub(crate) mod image {
    use std::ffi::OsString;
    use std::io;

    use serde::{Deserialize, Serialize};

    use super::unsupported_here;

    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) enum ImageId {}

    pub(crate) fn environment() -> io::Result<Vec<(OsString, OsString)>> {
        Err(unsupported_here())
    }

    pub(crate) fn contains(_: *const ()) -> bool {
        true
    }

    pub(crate) fn identity() -> Option<ImageId> {
        None
    }

    pub(crate) fn distance(_: *const ()) -> Option<u64> {
        None
    }

    pub(crate) fn find(image: &ImageId, _: u64) -> Option<*const ()> {
        match *image {}
    }

    pub(crate) fn build() -> Option<&'static [u8]> {
        None
    }

    pub(crate) fn find_code(_: u64) -> Option<*const ()> {
        None
    }
}

pub(crate) mod inheritance {
    use serde::{Deserialize, Serialize};

    /// What a clone has to change: there are none.
    #[derive(Debug, Serialize, Deserialize)]
    pub(crate) enum Differences {}
}

pub(crate) mod memory {
    use std::convert::Infallible;
    use std::io;
    use std::ptr::NonNull;

    use super::unsupported_here;
    use crate::sys::fd::{BorrowedFd, OwnedFd};

    pub(crate) type FileId = (u64, u64);

    pub(crate) fn prefer_huge_pages<T>(_: &mut [std::mem::MaybeUninit<T>]) {}

    pub(crate) fn create(_: usize) -> io::Result<OwnedFd> {
        Err(unsupported_here())
    }

    pub(crate) fn create_growing(_: usize) -> io::Result<OwnedFd> {
        Err(unsupported_here())
    }

    pub(crate) fn create_unsealed(_: usize) -> io::Result<OwnedFd> {
        Err(unsupported_here())
    }

    pub(crate) fn seal(_: BorrowedFd<'_>) -> io::Result<()> {
        Err(unsupported_here())
    }

    pub(crate) fn copy_from(_: &mut std::fs::File, _: u64, _: &OwnedFd, _: u64) -> io::Result<u64> {
        Err(unsupported_here())
    }

    pub(crate) fn set_length(_: &OwnedFd, _: u64) -> io::Result<()> {
        Err(unsupported_here())
    }

    pub(crate) fn inspect_sealed(_: BorrowedFd<'_>) -> io::Result<(FileId, u64)> {
        Err(unsupported_here())
    }

    pub(crate) fn check_file_size_limit(_: u64) -> io::Result<()> {
        Err(unsupported_here())
    }

    pub(crate) fn inspect(_: BorrowedFd<'_>) -> io::Result<(FileId, usize)> {
        Err(unsupported_here())
    }

    pub(crate) fn least_length(_: BorrowedFd<'_>) -> io::Result<u64> {
        Err(unsupported_here())
    }

    pub(crate) fn identity(_: BorrowedFd<'_>) -> io::Result<FileId> {
        Err(unsupported_here())
    }

    pub(crate) fn reopen(_: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        Err(unsupported_here())
    }

    pub(crate) fn used(_: &OwnedFd) -> io::Result<u64> {
        Err(unsupported_here())
    }

    pub(crate) fn write_at(_: &OwnedFd, _: &[u8], _: u64) -> io::Result<usize> {
        Err(unsupported_here())
    }

    pub(crate) fn read_at(_: &OwnedFd, _: &mut [u8], _: u64) -> io::Result<usize> {
        Err(unsupported_here())
    }

    pub(crate) fn read_into(_: &OwnedFd, _: &mut Vec<u8>, _: u64) -> io::Result<usize> {
        Err(unsupported_here())
    }

    pub(crate) fn reserve_part(_: &OwnedFd, _: u64, _: u64) -> io::Result<()> {
        Err(unsupported_here())
    }

    pub(crate) fn give_back(_: &OwnedFd, _: u64, _: u64) -> io::Result<()> {
        Err(unsupported_here())
    }

    #[derive(Debug)]
    pub(crate) struct Mapping(Infallible);

    impl Mapping {
        pub(crate) fn new(_: BorrowedFd<'_>, _: usize) -> io::Result<Mapping> {
            Err(unsupported_here())
        }

        pub(crate) fn of_sealed(_: BorrowedFd<'_>, _: usize) -> io::Result<Mapping> {
            Err(unsupported_here())
        }

        pub(crate) fn base(&self) -> NonNull<u8> {
            match self.0 {}
        }

        pub(crate) fn length(&self) -> usize {
            match self.0 {}
        }
    }
}

#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) mod packets {
    use std::io;

    use super::unsupported_here;
    use crate::sys::fd::{BorrowedFd, OwnedFd};

    #[derive(Debug, PartialEq, Eq)]
    pub(crate) enum Received<'b> {
        Nothing,
        Packet(&'b [u8]),
        TooLong,
        End,
    }

    pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
        Err(unsupported_here())
    }

    pub(crate) fn send(_: BorrowedFd<'_>, _: &[u8]) -> io::Result<()> {
        Err(unsupported_here())
    }

    pub(crate) fn receive<'b>(_: BorrowedFd<'_>, _: &'b mut [u8]) -> Received<'b> {
        Received::End
    }

    pub(crate) fn make_room(_: BorrowedFd<'_>) {}
}

pub(crate) mod pidfd {
    use std::convert::Infallible;
    use std::io;
    use std::process::ExitStatus;

    use crate::sys::fd::{AsFd, BorrowedFd};

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Status {
        Known(ExitStatus),
        Lost,
    }

    impl Status {
        pub(crate) fn known(self) -> Option<ExitStatus> {
            match self {
                Status::Known(status) => Some(status),
                Status::Lost => None,
            }
        }
    }

    #[derive(Debug, Clone)]
    pub(crate) struct Pidfd(Infallible);

    impl Pidfd {
        pub(crate) fn duplicate(&self) -> io::Result<Pidfd> {
            match self.0 {}
        }

        pub(crate) fn id(&self) -> u32 {
            match self.0 {}
        }

        pub(crate) fn kill(&self) {
            match self.0 {}
        }

        pub(crate) fn terminate(&self) {
            match self.0 {}
        }

        pub(crate) fn inquire(&self) {
            match self.0 {}
        }

        pub(crate) fn resident_memory(&self) -> Option<u64> {
            match self.0 {}
        }

        pub(crate) fn has_ended(&self) -> bool {
            match self.0 {}
        }

        pub(crate) fn is_reaped(&self) -> bool {
            match self.0 {}
        }

        pub(crate) fn is_out_of_memory(&self) -> bool {
            match self.0 {}
        }

        pub(crate) fn reap(&self) -> Option<Status> {
            match self.0 {}
        }
    }

    impl AsFd for Pidfd {
        fn as_fd(&self) -> BorrowedFd<'_> {
            match self.0 {}
        }
    }
}

pub(crate) mod pipe {
    use crate::sys::fd::BorrowedFd;

    pub(crate) fn unread(_: BorrowedFd<'_>) -> Option<u64> {
        None
    }
}

pub(crate) mod poll {
    use std::io;
    use std::time::Instant;

    use super::unsupported_here;
    use crate::sys::fd::BorrowedFd;

    pub(crate) fn is_readable(_: BorrowedFd<'_>) -> bool {
        false
    }

    pub(crate) fn wait_readable(_: BorrowedFd<'_>, _: Option<Instant>) -> bool {
        false
    }

    pub(crate) fn wait_any<const N: usize>(
        _: [BorrowedFd<'_>; N],
        _: Option<Instant>,
    ) -> io::Result<[bool; N]> {
        Err(unsupported_here())
    }

    pub(crate) fn wait_any_of(_: &[BorrowedFd<'_>], _: Option<Instant>) -> io::Result<Vec<bool>> {
        Err(unsupported_here())
    }

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Writable {
        Now,
        Never,
        NotInTime,
    }

    pub(crate) fn wait_writable(
        _: BorrowedFd<'_>,
        _: Option<BorrowedFd<'_>>,
        _: Option<Instant>,
    ) -> Writable {
        Writable::Never
    }
}

pub(crate) mod ofd_lock {
    use std::io;

    use super::unsupported_here;
    use crate::sys::fd::BorrowedFd;

    pub(crate) fn try_hold(_: BorrowedFd<'_>, _: u32) -> io::Result<bool> {
        Err(unsupported_here())
    }

    pub(crate) fn is_held(_: BorrowedFd<'_>, _: u32) -> io::Result<bool> {
        Err(unsupported_here())
    }
}

pub(crate) mod lineage {
    use std::io;

    use serde::{Deserialize, Serialize};

    use super::unsupported_here;

    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    pub(crate) enum Lineage {}

    impl Lineage {
        pub(crate) fn new() -> io::Result<Lineage> {
            Err(unsupported_here())
        }

        pub(crate) fn end(self) {
            match self {}
        }
    }
}

pub(crate) mod memory_limit {
    use std::convert::Infallible;
    use std::io;

    use super::unsupported_here;

    pub(crate) fn is_set() -> bool {
        false
    }

    #[derive(Debug)]
    pub(crate) struct SoftLimit(Infallible);

    impl SoftLimit {
        pub(crate) fn lower(_: u64) -> io::Result<SoftLimit> {
            Err(unsupported_here())
        }

        pub(crate) fn restore(self) -> io::Result<()> {
            match self.0 {}
        }
    }
}

pub(crate) mod notify_fd {
    use std::convert::Infallible;
    use std::io;
    use std::sync::Arc;

    use super::unsupported_here;
    use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};

    #[derive(Debug, Clone)]
    pub(crate) struct NotifyFd(Infallible);

    impl NotifyFd {
        pub(crate) fn new() -> io::Result<NotifyFd> {
            Err(unsupported_here())
        }

        pub(crate) fn notify(&self) {
            match self.0 {}
        }

        pub(crate) fn clear(&self) {
            match self.0 {}
        }

        pub(crate) fn descriptor(&self) -> &Arc<OwnedFd> {
            match self.0 {}
        }

        pub(crate) fn received(_: Arc<OwnedFd>) -> NotifyFd {
            unreachable!("no descriptor comes from another process")
        }
    }

    impl AsFd for NotifyFd {
        fn as_fd(&self) -> BorrowedFd<'_> {
            match self.0 {}
        }
    }
}

pub(crate) mod poller {
    use std::convert::Infallible;
    use std::io;
    use std::time::Instant;

    use super::unsupported_here;
    use crate::sys::fd::AsFd;

    #[derive(Debug)]
    pub(crate) struct Poller(Infallible);

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Interest;

    impl Interest {
        pub(crate) const HANG_UP: Interest = Interest;
        pub(crate) const READABLE: Interest = Interest;
        pub(crate) const WRITABLE: Interest = Interest;

        pub(crate) fn once(self) -> Interest {
            self
        }
    }

    impl Poller {
        pub(crate) fn new() -> io::Result<Poller> {
            Err(unsupported_here())
        }

        pub(crate) fn add(&self, _: impl AsFd, _: u64, _: Interest) -> io::Result<()> {
            match self.0 {}
        }

        pub(crate) fn modify(&self, _: impl AsFd, _: u64, _: Interest) -> io::Result<()> {
            match self.0 {}
        }

        pub(crate) fn remove(&self, _: impl AsFd) {
            match self.0 {}
        }

        pub(crate) fn wake(&self) {
            match self.0 {}
        }

        pub(crate) fn wait(&self, _: Option<Instant>) -> Vec<u64> {
            match self.0 {}
        }
    }
}

pub(crate) mod runner {
    #[derive(Debug, Default)]
    pub(crate) struct Runner;

    impl Runner {
        pub(crate) fn begin(&self) {}

        pub(crate) fn is_gone(&self) -> bool {
            false
        }
    }

    pub(crate) fn quit(status: i32) -> ! {
        std::process::exit(status)
    }
}

pub(crate) mod scarcity {
    use std::io;

    pub(crate) fn hint(_: &io::Error) -> Option<&'static str> {
        None
    }

    pub(crate) fn no_memory() -> io::Error {
        io::ErrorKind::OutOfMemory.into()
    }

    pub(crate) fn no_descriptors() -> io::Error {
        super::unsupported_here()
    }
}

pub(crate) mod scheduling {
    use std::io;

    pub(crate) fn usable_cpus() -> u32 {
        1
    }

    pub(crate) fn cpus() -> io::Result<Vec<usize>> {
        Err(super::unsupported_here())
    }

    pub(crate) fn add_nice(_: i32) -> io::Result<()> {
        Err(super::unsupported_here())
    }
}

pub(crate) mod signal {
    use std::borrow::Cow;

    pub(crate) const INQUIRY: i32 = 0;
    pub(crate) const FILTERED: i32 = 0;

    pub(crate) fn name(signal: i32) -> Cow<'static, str> {
        Cow::Owned(format!("signal {signal}"))
    }

    pub(crate) fn reason(_: i32, _: i32) -> &'static str {
        "raised by the process itself"
    }

    pub(crate) fn is_of_address(_: i32, _: i32) -> bool {
        false
    }
}

pub(crate) mod thread {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU64, Ordering};

    thread_local! {
        static NUMBER: Cell<u64> = const { Cell::new(0) };
    }

    pub(crate) fn id() -> u32 {
        0
    }

    /// The number of the calling thread, which is not 0.
    pub(crate) fn number() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        if NUMBER.get() == 0 {
            NUMBER.set(NEXT.fetch_add(1, Ordering::Relaxed));
        }
        NUMBER.get()
    }
}

pub(crate) mod traced {
    use std::process::ExitStatus;

    use super::pidfd::Pidfd;

    pub(crate) fn is_dead(_: &Pidfd) -> bool {
        false
    }

    pub(crate) fn exit_status(_: &Pidfd) -> Option<ExitStatus> {
        None
    }
}

pub(crate) mod usage_so_far {
    use crate::usage::Usage;

    pub(crate) fn usage_so_far(_: u32) -> Option<(u64, Usage)> {
        None
    }
}

pub(crate) mod wait {
    use crate::sys::fd::BorrowedFd;
    use crate::usage::Usage;

    pub(crate) fn usage_of_ended(_: BorrowedFd<'_>) -> Option<Usage> {
        None
    }
}
