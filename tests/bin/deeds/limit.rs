//! Calls that are made where something is missing.

use std::ptr;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use multiproc::channel::Queue;
use multiproc::shm::Shared;
use multiproc::sync::Mutex;
use multiproc::{Pool, StartMethod, worker};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::{same, told};

/// More than a call needs on a busy machine.
const LONG: Duration = Duration::from_secs(40);

/// Sets the limit before or after a first call, makes calls of all kinds, and tells what they come
/// to.
pub(crate) fn make_calls(when: &str, limit: impl FnOnce()) {
    if when == "after" {
        let first = same::call(1).start_method(StartMethod::ForkServer);
        first.run().unwrap();
    }
    limit();
    for method in [StartMethod::ForkServer, StartMethod::Spawn] {
        let call = same::call(1).start_method(method).timeout(LONG);
        println!("{}", told(call.run()));
    }
    match objects() {
        Ok((shared, mutex, queue)) => {
            let call = uses::call(shared, mutex, queue).timeout(LONG);
            println!("{}", told(call.run()));
        }
        Err(error) => println!("{:?} | {error}", error.kind()),
    }
    match Pool::builder().workers(2).build() {
        Ok(pool) => {
            let tasks: Vec<_> = (0..4)
                .map(|_| pool.submit(same::call(1).timeout(LONG)))
                .collect();
            let told: Vec<_> = tasks.into_iter().map(|task| told(task.wait())).collect();
            let failed = told.iter().find(|told| *told != "1");
            println!("{}", failed.unwrap_or(&told[0]));
        }
        Err(error) => println!("{}", told::<()>(Err(error))),
    }
    let call = dawdles::call().timeout(Duration::from_millis(50));
    println!("{}", told(call.run()));
}

type Objects = (Shared<AtomicU64>, Mutex<u64>, Queue<u32>);

fn objects() -> std::io::Result<Objects> {
    let shared = Shared::new(AtomicU64::new(9))?;
    Ok((shared, Mutex::new(1)?, Queue::bounded(4)?))
}

#[worker]
fn uses(shared: Shared<AtomicU64>, mutex: Mutex<u64>, queue: Queue<u32>) -> u64 {
    *mutex.lock().unwrap() -= 1;
    queue.push(1).unwrap();
    shared.fetch_sub(8, std::sync::atomic::Ordering::Relaxed);
    shared.load(std::sync::atomic::Ordering::Relaxed)
}

#[worker]
fn dawdles() {
    loop {
        std::thread::park();
    }
}

pub(crate) fn set(kind: &str, number: u64) {
    let resource = match kind {
        "descriptors" => Resource::Nofile,
        "processes" => {
            // They are not counted for root.
            // SAFETY: system calls that take numbers.
            unsafe {
                libc::setresgid(65534, 65534, 65534);
                libc::setresuid(65534, 65534, 65534);
            }
            Resource::Nproc
        }
        "address space" => Resource::As,
        "stack" => Resource::Stack,
        "file size" => Resource::Fsize,
        "locked memory" => Resource::Memlock,
        "pending signals" => Resource::Sigpending,
        "core files" => Resource::Core,
        "proc" => return hide_proc(),
        other => panic!("there is no limit {other}"),
    };
    let limit = Rlimit {
        current: Some(number),
        maximum: Some(number),
    };
    setrlimit(resource, limit).unwrap();
}

/// Makes `/proc` an empty directory for this process and its children.
fn hide_proc() {
    let recursively = libc::MS_REC | libc::MS_PRIVATE;
    // SAFETY: system calls that take strings.
    let hidden = unsafe {
        (libc::unshare(libc::CLONE_NEWNS) == 0
            || libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS) == 0)
            && libc::mount(
                c"none".as_ptr(),
                c"/".as_ptr(),
                ptr::null(),
                recursively,
                ptr::null(),
            ) == 0
            && libc::mount(
                c"tmpfs".as_ptr(),
                c"/proc".as_ptr(),
                c"tmpfs".as_ptr(),
                0,
                ptr::null(),
            ) == 0
    };
    if !hidden {
        println!("not possible here");
        std::process::exit(0);
    }
}

/// Has the system refuse a call with this error; kill who makes it, for 0.
pub(crate) fn refuse(call: &str, errno: u32) {
    const LOAD_CALL: libc::sock_filter = filter(0x20, 0, 0, 0);
    const ALLOW: libc::sock_filter = filter(6, 0, 0, libc::SECCOMP_RET_ALLOW);

    let answer = match errno {
        0 => libc::SECCOMP_RET_KILL_PROCESS,
        errno => libc::SECCOMP_RET_ERRNO | errno,
    };
    let mut program = vec![LOAD_CALL];
    for number in numbers(call) {
        let number = u32::try_from(*number).unwrap();
        program.extend([filter(0x15, 0, 1, number), filter(6, 0, 0, answer)]);
    }
    program.push(ALLOW);
    let program = libc::sock_fprog {
        len: program.len().try_into().unwrap(),
        filter: program.as_mut_ptr(),
    };
    // SAFETY: the program is a valid one, for as long as the call takes.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let filtered = libc::prctl(libc::PR_SET_SECCOMP, 2, &raw const program, 0, 0);
        assert_eq!(filtered, 0);
    }
}

const fn filter(code: u16, if_so: u8, if_not: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter {
        code,
        jt: if_so,
        jf: if_not,
        k,
    }
}

fn numbers(call: &str) -> &'static [libc::c_long] {
    match call {
        #[cfg(target_arch = "x86_64")]
        "clone" => &[
            libc::SYS_clone,
            libc::SYS_clone3,
            libc::SYS_fork,
            libc::SYS_vfork,
        ],
        #[cfg(not(target_arch = "x86_64"))]
        "clone" => &[libc::SYS_clone, libc::SYS_clone3],
        "clone3" => &[libc::SYS_clone3],
        "epoll_create1" => &[libc::SYS_epoll_create1],
        "eventfd2" => &[libc::SYS_eventfd2],
        "execve" => &[libc::SYS_execve],
        "fallocate" => &[libc::SYS_fallocate],
        "fcntl" => &[libc::SYS_fcntl],
        "get_robust_list" => &[libc::SYS_get_robust_list],
        "memfd_create" => &[libc::SYS_memfd_create],
        "pidfd_open" => &[libc::SYS_pidfd_open],
        "pidfd_send_signal" => &[libc::SYS_pidfd_send_signal],
        "sched_getaffinity" => &[libc::SYS_sched_getaffinity],
        "sendmsg" => &[libc::SYS_sendmsg],
        "socketpair" => &[libc::SYS_socketpair],
        "waitid" => &[libc::SYS_waitid],
        other => panic!("there is no call {other}"),
    }
}
