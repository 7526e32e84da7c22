//! Giving a process its limits and rights, when it is one.

use std::io;

use rustix::process::{Gid, Resource, Rlimit, Uid, geteuid, nice, setrlimit};
use rustix::thread::{
    CpuSet, sched_setaffinity, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

use crate::limits::Limits;

/// Something that could not be done, and why not.
#[derive(Debug)]
pub(super) struct Refusal {
    what: &'static str,
    error: io::Error,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "its {} cannot be set: {}", self.what, self.error)
    }
}

/// Applies all but the stack to this process, which has one thread; those it starts inherit
/// them.
///
/// Rights go last, since what comes before may need them, and the user after the groups, for
/// the same reason.
pub(super) fn apply(limits: &Limits) -> Result<(), Refusal> {
    if let Some(cpus) = &limits.cpus {
        set("CPU affinity", set_affinity(cpus))?;
    }
    if let Some(increment) = limits.nice {
        set(
            "niceness",
            nice(increment).map(drop).map_err(io::Error::from),
        )?;
    }
    if let Some(memory) = limits.memory {
        let limit = Rlimit {
            current: Some(memory),
            maximum: Some(memory),
        };
        set(
            "memory limit",
            setrlimit(Resource::Data, limit).map_err(io::Error::from),
        )?;
    }
    if let Some(groups) = supplementary_groups(limits) {
        set(
            "groups",
            set_thread_groups(&groups).map_err(io::Error::from),
        )?;
    }
    if let Some(gid) = limits.gid {
        let gid = Gid::from_raw(gid);
        set(
            "group",
            set_thread_res_gid(gid, gid, gid).map_err(io::Error::from),
        )?;
    }
    if let Some(uid) = limits.uid {
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
fn supplementary_groups(limits: &Limits) -> Option<Vec<Gid>> {
    match &limits.groups {
        Some(groups) => Some(groups.iter().copied().map(Gid::from_raw).collect()),
        None if limits.uid.is_some() && geteuid().is_root() => Some(Vec::new()),
        None => None,
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
