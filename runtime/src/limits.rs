//! What a call lets its process have, and whom it lets it be.

use std::io;

use rustix::process::{Gid, Resource, Rlimit, Uid, geteuid, nice, setrlimit};
use rustix::thread::{
    CpuSet, sched_setaffinity, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};
use serde::{Deserialize, Serialize};

/// The limits and rights of a process, where a call or its worker names any.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Bytes of private memory.
    pub(crate) memory: Option<u64>,
    /// Bytes of the worker's stack.
    pub(crate) stack: Option<usize>,
    pub(crate) nice: Option<i32>,
    pub(crate) cpus: Option<Vec<usize>>,
    pub(crate) groups: Option<Vec<u32>>,
    pub(crate) gid: Option<u32>,
    pub(crate) uid: Option<u32>,
}

/// Something that could not be done, and why not.
#[derive(Debug)]
pub(crate) struct Refusal {
    what: &'static str,
    error: io::Error,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "its {} cannot be set: {}", self.what, self.error)
    }
}

/// What `setresuid(2)` and its like take for "leave it as it is", and nothing for a user or group.
const UNCHANGED: u32 = u32::MAX;

impl Limits {
    /// Refuses numbers that stand for something else to the system, which would do that in silence.
    pub(crate) fn check(&self) -> io::Result<()> {
        let Limits {
            memory: _,
            stack: _,
            nice: _,
            cpus: _,
            groups,
            gid,
            uid,
        } = self;
        let groups = groups.iter().flatten();
        let what = if *uid == Some(UNCHANGED) {
            "user"
        } else if gid.iter().chain(groups).any(|id| *id == UNCHANGED) {
            "group"
        } else {
            return Ok(());
        };
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "the {what} cannot be {UNCHANGED}: to the system this means that the {what} stays the same"
            ),
        ))
    }

    /// Applies all but the stack to this process, which has one thread; those it starts inherit
    /// them.
    ///
    /// Rights go last, since what comes before may need them, and the user after the groups, for
    /// the same reason.
    pub(crate) fn apply(&self) -> Result<(), Refusal> {
        if let Some(cpus) = &self.cpus {
            set("CPU affinity", set_affinity(cpus))?;
        }
        if let Some(increment) = self.nice {
            set(
                "niceness",
                nice(increment).map(drop).map_err(io::Error::from),
            )?;
        }
        if let Some(memory) = self.memory {
            let limit = Rlimit {
                current: Some(memory),
                maximum: Some(memory),
            };
            set(
                "memory limit",
                setrlimit(Resource::Data, limit).map_err(io::Error::from),
            )?;
        }
        if let Some(groups) = self.supplementary_groups() {
            set(
                "groups",
                set_thread_groups(&groups).map_err(io::Error::from),
            )?;
        }
        if let Some(gid) = self.gid {
            let gid = Gid::from_raw(gid);
            set(
                "group",
                set_thread_res_gid(gid, gid, gid).map_err(io::Error::from),
            )?;
        }
        if let Some(uid) = self.uid {
            let uid = Uid::from_raw(uid);
            set(
                "user",
                set_thread_res_uid(uid, uid, uid).map_err(io::Error::from),
            )?;
        }
        Ok(())
    }

    /// A process that gives up being root gives up root's groups too, unless told otherwise: as
    /// `std::process::Command` has it.
    fn supplementary_groups(&self) -> Option<Vec<Gid>> {
        match &self.groups {
            Some(groups) => Some(groups.iter().copied().map(Gid::from_raw).collect()),
            None if self.uid.is_some() && geteuid().is_root() => Some(Vec::new()),
            None => None,
        }
    }
}

fn set(what: &'static str, result: io::Result<()>) -> Result<(), Refusal> {
    result.map_err(|error| Refusal { what, error })
}

fn set_affinity(cpus: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    for &cpu in cpus {
        if cpu >= CpuSet::MAX_CPU {
            return Err(io::Error::other(format!("there is no CPU {cpu}")));
        }
        set.set(cpu);
    }
    Ok(sched_setaffinity(None, &set)?)
}
