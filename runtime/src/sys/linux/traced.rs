//! Dead processes that a tracer keeps from being reaped.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, WaitOptions, waitpid};

use super::pidfd::Pidfd;
use super::thread_stat::Stat;

/// Whether all threads of a process are dead that is not reaped. Those of which this program is the
/// tracer are waited for, after which it may be possible to reap the process.
pub(crate) fn is_dead(process: &Pidfd) -> bool {
    let Some(threads) = dead_threads(process.pid()) else {
        return false;
    };
    for thread in threads {
        // An error: this program is not its tracer.
        let _ = waitpid(Some(thread), WaitOptions::NOHANG | ALL);
    }
    true
}

/// Threads of other processes too, which is what those of a child are.
const ALL: WaitOptions = WaitOptions::from_bits_retain(0x4000_0000);

/// The threads of a process, but for the first, if all of them and the first are dead.
fn dead_threads(pid: Pid) -> Option<Vec<Pid>> {
    let process = format!("/proc/{}", pid.as_raw_nonzero());
    if !Stat::read(&process)?.is_dead() {
        return None;
    }
    let mut threads = Vec::new();
    for entry in fs::read_dir(format!("{process}/task")).ok()? {
        let name = entry.ok()?.file_name();
        let name = name.to_str()?;
        // One that is gone meanwhile is dead, too.
        let stat = Stat::read(format!("{process}/task/{name}"));
        if stat.is_some_and(|stat| !stat.is_dead()) {
            return None;
        }
        let thread = Pid::from_raw(name.parse().ok()?)?;
        if thread != pid {
            threads.push(thread);
        }
    }
    Some(threads)
}

/// How a dead process ended that cannot be reaped, if `/proc` tells.
pub(crate) fn exit_status(process: &Pidfd) -> Option<ExitStatus> {
    let process = format!("/proc/{}", process.id());
    // To those who may not know, as when it has become another user, the status is shown as 0. The
    // same right is asked for to see its image, which a dead process has none of.
    let image = fs::read_link(format!("{process}/exe"));
    if image.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
        return None;
    }
    let code = Stat::read(&process)?.exit_code()?;
    Some(ExitStatus::from_raw(code))
}
