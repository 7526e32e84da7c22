//! The thread that runs a worker, seen from the first thread of its process.

#![expect(
    unsafe_code,
    reason = "rustix neither asks after threads nor ends processes"
)]

use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open};
use rustix::thread::gettid;

use super::thread_stat::Stat;

/// A thread of this process that may end before the process does.
#[derive(Debug, Default)]
pub(crate) struct Runner(AtomicI32);

impl Runner {
    /// The calling thread is it.
    pub(crate) fn begin(&self) {
        let id = gettid().as_raw_nonzero().get();
        self.0.store(id, Ordering::Relaxed);
    }

    /// Whether it has begun and is gone.
    ///
    /// To be asked by another thread of the process.
    pub(crate) fn is_gone(&self) -> bool {
        let own = getpid().as_raw_nonzero().get();
        let id = self.0.load(Ordering::Relaxed);
        // SAFETY: a system call that takes numbers; signal 0 is sent to no process.
        let asked = unsafe { libc::syscall(libc::SYS_tgkill, own, id, 0) };
        id != 0 && asked < 0 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
    }

    /// Whether it sleeps, and only the calling thread is there besides it, as far as `/proc` tells.
    pub(crate) fn rests(&self) -> bool {
        let id = self.0.load(Ordering::Relaxed);
        let stat = (id != 0).then(|| Stat::read(format!("/proc/self/task/{id}")));
        let stat = stat.flatten();
        stat.is_some_and(|stat| stat.sleeps() && stat.threads() == Some(2))
    }

    /// Readable when it is gone; `None` if it has not begun, or the kernel has no such thing, which
    /// is older than Linux 6.9.
    pub(crate) fn descriptor(&self) -> Option<OwnedFd> {
        const PIDFD_THREAD: PidfdFlags = PidfdFlags::from_bits_retain(libc::O_EXCL.cast_unsigned());

        let id = Pid::from_raw(self.0.load(Ordering::Relaxed))?;
        pidfd_open(id, PIDFD_THREAD).ok()
    }
}

/// Ends this process and nothing else: no handler runs and no lock is taken.
pub(crate) fn quit(status: i32) -> ! {
    // SAFETY: it ends the process, whatever state that is in.
    unsafe { libc::_exit(status) }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;

    #[test]
    fn a_thread_is_seen_to_go() {
        let runner = Runner::default();
        assert!(!runner.is_gone());
        assert!(runner.descriptor().is_none());
        let descriptor = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                runner.begin();
                let descriptor = runner.descriptor();
                assert!(!runner.is_gone());
                descriptor
            });
            thread.join().unwrap()
        });
        if let Some(descriptor) = descriptor {
            poll(&mut [PollFd::new(&descriptor, PollFlags::IN)], None).unwrap();
        }
        while !runner.is_gone() {
            std::thread::yield_now();
        }
    }
}
