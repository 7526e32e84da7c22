//! Processes that the kernel kills because there is no memory, told from those that others kill.
//!
//! Only what is meant to be killed is in the group that has a limit. Were this process in it, too, it could
//! be killed as well: what a killed process has is given back only when it and all that look at it are done,
//! and until then any other of the group that asks for memory makes the kernel choose again.
//!
//! That takes a control group. Where none can be made (it takes root, and a file system of groups that can
//! be written to), nothing is seen here; `sys/linux/oom_kills.rs` has tests of how the counts are read, and
//! of what follows from them.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use multiproc::{Call, ErrorKind, Pool, StartMethod, worker};
use rustix::process::{Signal, kill_process};

use crate::support::{cases, wait_for_ever};

cases! {
    a_process_is_killed_for_its_memory
    a_task_is_killed_for_its_memory
}

/// A control group whose deaths this process counts, without being in it. It is gone when this is dropped.
struct Group {
    folder: PathBuf,
    before: PathBuf,
}

impl Group {
    /// A group that can have so many bytes.
    fn new(bytes: u64, method: StartMethod) -> Option<Group> {
        let root = Path::new("/sys/fs/cgroup");
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap();
        let own = |is_meant: &dyn Fn(&str) -> bool| {
            groups.lines().find_map(|line| {
                let mut parts = line.splitn(3, ':').skip(1);
                let (controllers, path) = (parts.next()?, parts.next()?);
                is_meant(controllers).then(|| path.trim_start_matches('/').to_owned())
            })
        };
        let first = own(&|names| names.split(',').any(|name| name == "memory"));
        let second = own(&str::is_empty);
        let name = format!("multiproc-test-{}", std::process::id());
        let (top, own, limit, swap) = if root.join("memory/memory.limit_in_bytes").exists() {
            let (limit, swap) = ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes");
            (root.join("memory"), first?, limit, (swap, bytes))
        } else {
            (
                root.to_owned(),
                second?,
                "memory.max",
                ("memory.swap.max", 0),
            )
        };
        let before = top.join(own);
        // In a container it can have a name that means nothing there.
        before.is_dir().then_some(())?;
        let folder = top.join(name);
        fs::create_dir(&folder).ok()?;
        // From here on it is removed, whatever happens.
        let group = Group { folder, before };
        fs::write(group.folder.join(limit), bytes.to_string()).ok()?;
        let _ = fs::write(group.folder.join(swap.0), swap.1.to_string());
        enter(&group.folder, std::process::id()).then_some(())?;
        // Which group is counted is settled when the first process is started.
        start(nothing::call(), method).join().unwrap();
        group.leave();
        Some(group)
    }

    /// Has all processes leave that are in it.
    fn leave(&self) {
        let processes = fs::read_to_string(self.folder.join("cgroup.procs")).unwrap_or_default();
        for process in processes.lines() {
            enter(&self.before, process);
        }
    }
}

fn enter(folder: &Path, process: impl ToString) -> bool {
    fs::write(folder.join("cgroup.procs"), process.to_string()).is_ok()
}

impl Drop for Group {
    fn drop(&mut self) {
        self.leave();
        let _ = fs::remove_dir(&self.folder);
    }
}

const MEMORY_RAN_OUT: &str = "was killed by SIGKILL, probably because memory ran out";

/// Needs so much memory, in the group.
#[worker]
fn fill(mebibytes: usize, group: &Path) -> usize {
    assert!(enter(group, std::process::id()));
    // Written to, so that it is there.
    black_box(vec![1_u8; mebibytes << 20]).len()
}

#[worker]
fn nothing() {}

fn start<R>(call: Call<'_, R>, method: StartMethod) -> multiproc::Process<R> {
    call.start_method(method).spawn().unwrap()
}

fn a_process_is_killed_for_its_memory(method: StartMethod) {
    let Some(group) = Group::new(200 << 20, method) else {
        return println!("no control group can be made here");
    };
    let by_others = || {
        let process = start(wait_for_ever::call(), method);
        let pid = rustix::process::Pid::from_raw(process.id().cast_signed()).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
        let error = process.join().unwrap_err();
        assert_eq!(error.signal(), Some(libc::SIGKILL));
        assert!(!error.to_string().contains("memory"), "{error}");
    };
    by_others();
    for _ in 0..2 {
        let error = start(fill::call(1000, &group.folder), method)
            .join()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signaled);
        assert!(error.to_string().contains(MEMORY_RAN_OUT), "{error}");
        // Each such death explains one end.
        by_others();
    }
    assert_eq!(
        start(fill::call(10, &group.folder), method).join().unwrap(),
        10 << 20
    );
    // What this process kills, it has killed.
    let process = start(wait_for_ever::call(), method);
    let error = start(fill::call(1000, &group.folder), method)
        .join()
        .unwrap_err();
    assert!(error.to_string().contains(MEMORY_RAN_OUT), "{error}");
    process.kill();
    let error = process.join().unwrap_err();
    assert!(!error.to_string().contains("memory"), "{error}");
}

fn a_task_is_killed_for_its_memory(method: StartMethod) {
    let Some(group) = Group::new(200 << 20, method) else {
        return println!("no control group can be made here");
    };
    let pool = Pool::builder()
        .workers(1)
        .start_method(method)
        .build()
        .unwrap();
    let error = pool
        .submit(fill::call(1000, &group.folder))
        .wait()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Signaled);
    assert!(error.to_string().contains(MEMORY_RAN_OUT), "{error}");
    assert_eq!(
        pool.submit(fill::call(10, &group.folder)).wait().unwrap(),
        10 << 20
    );
}
