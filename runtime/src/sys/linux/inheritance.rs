//! What a process has from the one that starts it, beside its call's wishes.
//!
//! A re-executed child inherits it from the thread that starts it. A clone inherits it from the fork
//! server, and that from the thread that made the first call: long ago, and perhaps one that was
//! pinned to a CPU. So a clone is told [what differs](Differences), and gives it to itself.
//!
//! | `fork(2)` and `execve(2)` hand on | a clone of the fork server |
//! |---|---|
//! | CPU affinity, niceness, scheduling policy, I/O priority, timer slack, blocked signals: of the thread | is told |
//! | ignored signals, file mode mask, the limits that programs set | is told |
//! | standard streams, working directory, environment | is given in any case |
//! | user, groups, capabilities, session, process group, root directory | has the fork server's: it is [started anew](Standing) when they differ |
//! | a higher priority than the fork server has | likewise |
//! | a real-time policy, another than the fork server has | there is none: the program is executed |
//! | control group, namespaces, filters on system calls, Landlock, `no_new_privs`, securebits, memory policy, `oom_score_adj`, personality, limits on pending signals, message queues and real-time priorities | has the fork server's: they cannot be seen, or not for a price worth paying with each call |
//! | descriptors that are not close-on-exec | has the fork server's |
//!
//! Asking for all that takes some twenty microseconds. It is done while the clone wakes up.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use rustix::fs::{AtFlags, CWD, Mode, StatxFlags, statx};
use rustix::process::{
    Gid, Pid, Resource, Rlimit, Uid, getegid, geteuid, getgid, getgroups, getrlimit, getuid,
    setrlimit, umask,
};
use rustix::thread::{
    CapabilitySet, CpuSet, capabilities, current_timer_slack, sched_getaffinity, sched_setaffinity,
    set_current_timer_slack,
};
use serde::{Deserialize, Serialize};

use super::process_id;
use super::scheduling::Scheduling;
use super::signal::{self, Signals};

/// The limits that programs set. To ask for each is a system call.
const LIMITS: [Resource; 9] = [
    Resource::Cpu,
    Resource::Fsize,
    Resource::Data,
    Resource::Stack,
    Resource::Core,
    Resource::Nproc,
    Resource::Nofile,
    Resource::Memlock,
    Resource::As,
];

/// What a child inherits and a clone can give to itself. What is not known is not compared.
#[derive(Debug)]
pub(crate) struct Inheritance {
    cpus: Option<CpuSet>,
    scheduling: Option<Scheduling>,
    timer_slack: Option<u64>,
    blocked: Signals,
    files: Option<Files>,
    limits: [Rlimit; LIMITS.len()],
}

/// What only a file of `/proc` tells.
#[derive(Debug, Clone, Copy)]
struct Files {
    umask: u32,
    ignored: Signals,
}

impl Inheritance {
    /// What a child started by this thread inherits now.
    pub(crate) fn current() -> Inheritance {
        Inheritance {
            cpus: sched_getaffinity(None).ok(),
            scheduling: Scheduling::current(),
            timer_slack: current_timer_slack().ok(),
            blocked: signal::blocked(),
            files: Files::current().ok(),
            limits: LIMITS.map(getrlimit),
        }
    }

    /// How this thread's scheduling stands to that of the one that this is from.
    pub(crate) fn reach(&self) -> Reach {
        match (self.scheduling, Scheduling::current()) {
            (Some(then), Some(now)) if now == then => Reach::Clone,
            (Some(_), Some(now)) if now.is_special() => Reach::Execution,
            (Some(then), Some(now)) if now.is_above(&then) => Reach::OtherServer,
            _ => Reach::Clone,
        }
    }

    /// What a child has to change that has `base`, to have this.
    pub(crate) fn beyond(&self, base: &Inheritance) -> Differences {
        fn change<T: PartialEq + Copy>(ours: Option<T>, base: Option<T>) -> Option<T> {
            ours.filter(|_| base.is_some() && ours != base)
        }
        let umask = |inheritance: &Inheritance| inheritance.files.map(|files| files.umask);
        let ignored = |inheritance: &Inheritance| inheritance.files.map(|files| files.ignored);
        let limits = self.limits.iter().zip(&base.limits).enumerate();
        Differences {
            cpus: change(self.cpus, base.cpus).map(|cpus| words(&cpus)),
            scheduling: change(self.scheduling, base.scheduling),
            timer_slack: change(self.timer_slack, base.timer_slack),
            blocked: change(Some(self.blocked), Some(base.blocked)),
            ignored: change(ignored(self), ignored(base))
                .zip(ignored(base))
                .map(|(ours, base)| (ours, ours ^ base)),
            umask: change(umask(self), umask(base)),
            limits: limits
                .filter(|(_, (ours, base))| ours != base)
                .map(|(index, (ours, _))| (index, ours.current, ours.maximum))
                .collect(),
        }
    }
}

impl Files {
    fn current() -> io::Result<Files> {
        // Opened once: that is half of what it takes to read it.
        static STATUS: OnceLock<File> = OnceLock::new();
        let file = match STATUS.get() {
            Some(file) => file,
            None => {
                let file = File::open("/proc/self/status")?;
                STATUS.get_or_init(|| file)
            }
        };
        let mut status = [0; 4096];
        let length = file.read_at(&mut status, 0)?;
        let status = String::from_utf8_lossy(&status[..length]);
        let number = |name: &str, radix| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            u64::from_str_radix(line.trim(), radix).ok()
        };
        let umask = number("Umask:", 8).and_then(|umask| u32::try_from(umask).ok());
        let ignored = number("SigIgn:", 16);
        umask
            .zip(ignored)
            .map(|(umask, ignored)| Files { umask, ignored })
            .ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// Who can start a child that has this thread's scheduling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// A clone can give it to itself.
    Clone,
    /// A clone of a fork server that is started by this thread.
    OtherServer,
    /// This thread.
    Execution,
}

/// What a clone has to change to have what it would have inherited.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Differences {
    cpus: Option<CpuWords>,
    scheduling: Option<Scheduling>,
    timer_slack: Option<u64>,
    blocked: Option<Signals>,
    /// Those that are ignored, and those that have changed.
    ignored: Option<(Signals, Signals)>,
    umask: Option<u32>,
    /// By their place in [`LIMITS`], what there is and what there can be.
    limits: Vec<(usize, Option<u64>, Option<u64>)>,
}

impl Differences {
    pub(crate) fn are_none(&self) -> bool {
        *self == Differences::default()
    }

    /// Whether dispositions of signals are among them.
    pub(crate) fn change_signals(&self) -> bool {
        self.ignored.is_some()
    }

    /// Gives them to this process, which has one thread.
    ///
    /// # Errors
    ///
    /// What could not be set, and why not.
    pub(crate) fn apply(&self) -> Result<(), String> {
        if let Some(words) = &self.cpus {
            sched_setaffinity(None, &cpus(words)).map_err(failed("CPU affinity"))?;
        }
        if let Some(scheduling) = &self.scheduling {
            scheduling.apply().map_err(failed("priority"))?;
        }
        if let Some(slack) = self.timer_slack {
            set_current_timer_slack(slack.try_into().ok()).map_err(failed("timer slack"))?;
        }
        if let Some((ignored, changed)) = self.ignored {
            signal::ignore(ignored, changed);
        }
        if let Some(mask) = self.umask {
            umask(Mode::from_raw_mode(mask));
        }
        for (index, current, maximum) in &self.limits {
            let limit = Rlimit {
                current: *current,
                maximum: *maximum,
            };
            if let Some(resource) = LIMITS.get(*index) {
                setrlimit(*resource, limit).map_err(failed("resource limits"))?;
            }
        }
        // Last: what was pending comes now.
        if let Some(blocked) = self.blocked {
            signal::block(blocked);
        }
        Ok(())
    }
}

fn failed<E: fmt::Display>(what: &str) -> impl FnOnce(E) -> String {
    move |error| format!("its {what} cannot be set: {error}")
}

/// A set of CPUs, a bit each.
type CpuWords = [u64; CpuSet::MAX_CPU / 64];

fn words(cpus: &CpuSet) -> CpuWords {
    let mut words = CpuWords::default();
    for cpu in (0..CpuSet::MAX_CPU).filter(|cpu| cpus.is_set(*cpu)) {
        words[cpu / 64] |= 1 << (cpu % 64);
    }
    words
}

fn cpus(words: &CpuWords) -> CpuSet {
    let mut cpus = CpuSet::new();
    for cpu in 0..CpuSet::MAX_CPU {
        if words[cpu / 64] & (1 << (cpu % 64)) != 0 {
            cpus.set(cpu);
        }
    }
    cpus
}

/// Who this process is, and where: what its children are, too, and cannot become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    users: (Uid, Uid),
    groups: (Gid, Gid),
    supplementary: Vec<Gid>,
    capabilities: Option<[CapabilitySet; 3]>,
    session: Option<Pid>,
    process_group: Option<Pid>,
    /// Mount and number of the root directory.
    root: Option<(u64, u64)>,
}

impl Standing {
    pub(crate) fn current() -> Standing {
        let sets = capabilities(None).ok();
        let wanted = StatxFlags::INO | StatxFlags::MNT_ID;
        let root = statx(CWD, "/", AtFlags::empty(), wanted).ok();
        Standing {
            users: (getuid(), geteuid()),
            groups: (getgid(), getegid()),
            supplementary: getgroups().unwrap_or_default(),
            capabilities: sets.map(|sets| [sets.effective, sets.permitted, sets.inheritable]),
            session: process_id::session(),
            process_group: process_id::process_group(),
            root: root.map(|root| (root.stx_mnt_id, root.stx_ino)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_need_not_be_told() {
        let differences = Inheritance::current().beyond(&Inheritance::current());
        assert!(differences.are_none(), "{differences:?}");
        assert_eq!(Inheritance::current().reach(), Reach::Clone);
        assert_eq!(Standing::current(), Standing::current());
    }

    #[test]
    fn what_differs_is_told() {
        let told = std::thread::spawn(|| {
            let before = Inheritance::current();
            signal::block(before.blocked | 1 << (libc::SIGUSR1 - 1));
            let now = Inheritance::current();
            (now.beyond(&before), before.beyond(&now), now.blocked)
        });
        let (forth, back, blocked) = told.join().unwrap();
        assert_eq!(forth.blocked, Some(blocked));
        assert_ne!(back.blocked, None);
        assert_eq!(forth.limits, []);
    }
}
