//! A sign by which all that a process has started can be found, and killed.
//!
//! The kernel hands on resource limits: to copies made by `fork`, through `execve`, and whatever becomes
//! of parents, sessions and process groups afterwards. One of them has limited nothing since Linux 2.4
//! and is asked for by no program: `RLIMIT_LOCKS`. A process whose descendants are to be found has a
//! number there that no other has, as its soft limit. Any process of the same user may read it.
//!
//! # Why none is missed, and no other process is hit
//!
//! * A process is killed through a descriptor that was opened before its limit was read. Had its number
//!   been given to another process in between, the descriptor would be that of a dead one.
//! * A process that has been sent `SIGKILL` starts no other any more: the kernel refuses to copy a process
//!   for which a signal is pending. So what could be missed by a look at all processes was started by one
//!   that had not been found yet. It is looked for again until none is alive.
//!
//! # What is not found
//!
//! A process that changes this limit of its own; one that `/proc` does not show; and what another
//! process, without the sign, starts on its behalf.

#![expect(unsafe_code, reason = "rustix reads no limits of other processes")]

use std::ffi::CStr;
use std::hash::BuildHasher;
use std::hash::RandomState;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, OFlags, RawDir, openat, readlink};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Resource, Rlimit, Signal, geteuid, getpid, getrlimit, pidfd_open,
    pidfd_send_signal, setrlimit,
};
use serde::{Deserialize, Serialize};

use super::{poll, runner};

/// How long the end of those that were killed is waited for. Most take a millisecond; one that waits for
/// a device may take any time, and starts nothing meanwhile.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long to wait for one of them before the next look.
const PAUSE: Duration = Duration::from_millis(5);

/// The descendants of a process, by the number that they have as a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lineage(u64);

/// The sign of this process and its descendants, or 0.
static OWN: AtomicU64 = AtomicU64::new(0);

/// Kills what this process has started, if that is to end with it, and then mostly this process, too,
/// which is to end itself next. A signal handler may call it.
///
/// Threads of this process may go on to start others, as one does that runs a program after the other.
/// So it is a copy of this process that kills all that have the sign, this one among them.
pub(crate) fn end_own() {
    let own = match OWN.load(Ordering::Relaxed) {
        0 => return,
        own => Lineage(own),
    };
    if !own.end_in_copy() {
        own.end();
        // There may be room for a copy now.
        own.end_in_copy();
    }
}

impl Lineage {
    /// A sign that no process has yet.
    ///
    /// # Errors
    ///
    /// Why descendants could not be found here, of kind [`Unsupported`](io::ErrorKind::Unsupported).
    pub(crate) fn new() -> io::Result<Lineage> {
        check()?;
        let (process, time) = (std::process::id(), super::clock::nanoseconds());
        let random = RandomState::new().hash_one((process, time));
        // Higher than any limit that is set by hand, and lower than what a signed number holds.
        Ok(Lineage(random >> 3 | 1 << 61))
    }

    /// Gives the sign to this process, and so to all that it starts from now on, which [`end_own`] ends.
    pub(crate) fn begin(self) -> io::Result<()> {
        self.give()?;
        OWN.store(self.0, Ordering::Relaxed);
        Ok(())
    }

    fn give(self) -> io::Result<()> {
        let limit = Rlimit {
            current: Some(self.0),
            ..getrlimit(Resource::Locks)
        };
        Ok(setrlimit(Resource::Locks, limit)?)
    }

    /// Kills all that have the sign, but for this process, and waits until they are gone or that takes
    /// too long.
    ///
    /// It allocates no memory, and does only what a signal handler may do: the process may be one whose
    /// threads hold any lock.
    pub(crate) fn end(self) {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            match self.kill_all() {
                Ok(Some(one)) => {
                    poll::wait_readable(one.as_fd(), Some(Instant::now() + PAUSE));
                }
                Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => std::thread::sleep(PAUSE),
                // There is none, or no way to find any.
                Ok(None) | Err(_) => return,
            }
        }
    }

    /// Begins to do that in a copy of this process, which is then among those that are killed. False if
    /// there can be no copy.
    fn end_in_copy(self) -> bool {
        match copy_quietly() {
            0 => {
                self.end();
                runner::quit(0)
            }
            copy => copy > 0,
        }
    }

    /// Sends all that have the sign and are alive a deadly signal. Gives one of them.
    fn kill_all(self) -> Result<Option<OwnedFd>, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let processes = openat(CWD, "/proc", flags, Mode::empty())?;
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut entries = RawDir::new(&processes, &mut buffer);
        let mut alive = None;
        let mut failed = None;
        while let Some(entry) = entries.next() {
            let Some(process) = number(entry?.file_name()) else {
                continue;
            };
            if process == getpid() {
                continue;
            }
            match self.kill(process, processes.as_fd()) {
                Ok(killed) => alive = killed.or(alive),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(alive), Err)
    }

    /// Kills a process if it has the sign and is alive.
    fn kill(
        self,
        process: Pid,
        processes: std::os::fd::BorrowedFd<'_>,
    ) -> Result<Option<OwnedFd>, Errno> {
        // Asked first without a descriptor: nearly all have not.
        if sign(process, processes) != Some(self.0) {
            return Ok(None);
        }
        let pidfd = match pidfd_open(process, PidfdFlags::empty()) {
            Ok(pidfd) => pidfd,
            Err(error @ (Errno::MFILE | Errno::NFILE | Errno::NOMEM)) => return Err(error),
            // It is gone.
            Err(_) => return Ok(None),
        };
        if sign(process, processes) != Some(self.0) || poll::is_readable(pidfd.as_fd()) {
            return Ok(None);
        }
        match pidfd_send_signal(&pidfd, Signal::KILL) {
            Ok(()) => Ok(Some(pidfd)),
            // It has more rights than this process, or is gone.
            Err(_) => Ok(None),
        }
    }
}

/// Makes a copy of this process that gets no signals, such as a terminal's, and has no descriptors: what
/// this process has locked or holds open ends with it. Gives 0 in the copy, and otherwise its number, or -1
/// if there can be none.
///
/// This process gets no signals on this thread any more either.
fn copy_quietly() -> libc::c_long {
    let mut all = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the place is valid.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: the set was filled.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), ptr::null_mut()) };
    // SAFETY: without a stack, the copy goes on with a copy of this one's, as after `fork`, and makes
    // system calls only: locks that other threads hold do not matter. (libc's own `fork` takes locks.)
    // Architectures disagree on the order of the last arguments, all of which are unused.
    let copy = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
    if copy == 0 {
        // SAFETY: it takes numbers. The copy uses no descriptor that it does not open from now on.
        unsafe { libc::syscall(libc::SYS_close_range, 0, libc::c_uint::MAX, 0) };
    }
    copy
}

/// The soft limit of a process that may be a sign.
fn sign(process: Pid, processes: std::os::fd::BorrowedFd<'_>) -> Option<u64> {
    let mut limit = MaybeUninit::<libc::rlimit>::zeroed();
    let number = process.as_raw_nonzero().get();
    // SAFETY: there is no new limit, and the place for the present one is valid.
    let result =
        unsafe { libc::prlimit(number, libc::RLIMIT_LOCKS, ptr::null(), limit.as_mut_ptr()) };
    if result == 0 {
        // SAFETY: it consists of numbers, which the kernel has written.
        return Some(unsafe { limit.assume_init() }.rlim_cur);
    }
    let is_refused = io::Error::last_os_error().raw_os_error() == Some(libc::EPERM);
    is_refused
        .then(|| sign_in_file(process, processes))
        .flatten()
}

/// The same of a process that has other rights, which may be killed all the same if this user started
/// it.
fn sign_in_file(process: Pid, processes: std::os::fd::BorrowedFd<'_>) -> Option<u64> {
    use std::io::Write as _;

    let mut path = [0_u8; 32];
    write!(&mut path[..], "{}/limits\0", process.as_raw_nonzero()).ok()?;
    let path = CStr::from_bytes_until_nul(&path).ok()?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(processes, path, flags, Mode::empty()).ok()?;
    let mut text = [0; 4096];
    let length = rustix::io::read(&file, &mut text).ok()?;
    sign_in(str::from_utf8(&text[..length]).ok()?)
}

fn sign_in(limits: &str) -> Option<u64> {
    let mut lines = limits.lines();
    let line = lines.find_map(|line| line.strip_prefix("Max file locks"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The number of a process, if this is the name of its folder.
fn number(name: &CStr) -> Option<Pid> {
    Pid::from_raw(name.to_str().ok()?.parse().ok()?)
}

/// Whether descendants can be found by a sign.
fn check() -> io::Result<()> {
    let unsupported = |text: &str| Err(io::Error::new(io::ErrorKind::Unsupported, text));
    if getrlimit(Resource::Locks).maximum.is_some() {
        return unsupported(
            "the program's hard limit on file locks (`RLIMIT_LOCKS`) is not `unlimited`",
        );
    }
    let own = readlink("/proc/self", Vec::new()).unwrap_or_default();
    if own.to_bytes() != getpid().as_raw_nonzero().to_string().as_bytes() {
        return unsupported("`/proc` is not there, or is that of another PID namespace");
    }
    let mounts = std::fs::read_to_string("/proc/self/mountinfo")?;
    if is_hidden(&mounts) && !geteuid().is_root() {
        return unsupported(
            "`/proc` does not show all processes: it is mounted with the option `hidepid`",
        );
    }
    Ok(())
}

/// Whether `/proc` is mounted so that it does not show all processes.
fn is_hidden(mounts: &str) -> bool {
    // The last one that is mounted at a place is what is seen there.
    let mount = mounts
        .lines()
        .rfind(|line| line.split(' ').nth(4) == Some("/proc"));
    let options = mount.and_then(|mount| mount.rsplit(' ').next());
    options.is_some_and(|options| {
        let mut values = options
            .split(',')
            .filter_map(|it| it.strip_prefix("hidepid="));
        values.any(|value| !matches!(value, "0" | "off"))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt as _;
    use std::process::{Command, Stdio};

    use super::*;

    /// A process with this sign, which does nothing.
    fn start(lineage: Lineage) -> std::process::Child {
        let mut command = Command::new("sleep");
        command.arg("1000").stdin(Stdio::null());
        let _copy = crate::probe::allow_copy();
        // SAFETY: it makes system calls only.
        unsafe { command.pre_exec(move || lineage.give()) };
        command.spawn().unwrap()
    }

    #[test]
    fn all_that_have_the_sign_are_killed_and_no_others() {
        let (ours, others) = (Lineage::new().unwrap(), Lineage::new().unwrap());
        assert_ne!(ours, others);
        let mut killed = [start(ours), start(ours)];
        let mut left = start(others);
        ours.end();
        for child in &mut killed {
            // They are gone, and have not been waited for.
            use std::os::unix::process::ExitStatusExt as _;
            assert_eq!(child.try_wait().unwrap().unwrap().signal(), Some(9));
        }
        assert!(left.try_wait().unwrap().is_none());
        others.end();
        left.wait().unwrap();
    }

    #[test]
    fn those_that_are_dead_are_not_waited_for() {
        let lineage = Lineage::new().unwrap();
        let mut child = start(lineage);
        child.kill().unwrap();
        while child.try_wait().is_ok_and(|status| status.is_none()) {
            std::thread::yield_now();
        }
        let begin = Instant::now();
        lineage.end();
        assert!(begin.elapsed() < PATIENCE);
    }

    #[test]
    fn a_file_tells_the_sign_too() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max address space         unlimited            unlimited            bytes     \n\
                    Max file locks            2305843009213693953  unlimited            locks     \n";
        assert_eq!(sign_in(text), Some(2_305_843_009_213_693_953));
        assert_eq!(
            sign_in(&text.replace("2305843009213693953", "unlimited")),
            None
        );
        let lineage = Lineage::new().unwrap();
        let mut child = start(lineage);
        let pid = Pid::from_child(&child);
        let processes = openat(CWD, "/proc", OFlags::RDONLY, Mode::empty()).unwrap();
        assert_eq!(sign_in_file(pid, processes.as_fd()), Some(lineage.0));
        assert_eq!(sign(pid, processes.as_fd()), Some(lineage.0));
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn it_is_known_whether_processes_are_hidden() {
        let mount = |options: &str| {
            format!(
                "24 1 8:1 / / rw - ext4 /dev/root rw\n25 24 0:22 / /proc rw,nosuid shared:5 - proc proc {options}\n"
            )
        };
        assert!(!is_hidden(&mount("rw")));
        assert!(!is_hidden(&mount("rw,gid=7,hidepid=off")));
        for value in ["1", "2", "invisible", "ptraceable"] {
            assert!(is_hidden(&mount(&format!("rw,hidepid={value}"))));
        }
        let two = mount("rw,hidepid=2") + &mount("rw");
        assert!(!is_hidden(&two));
    }
}
