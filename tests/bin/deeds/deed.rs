//! What workers do that they should not.

use std::{ptr, thread};

/// Does it, as far as this process may.
#[expect(clippy::too_many_lines, reason = "a few lines for each deed")]
pub(crate) fn do_it(deed: &str) {
    use libc::*;

    let close_all_from = |first: c_int| {
        // SAFETY: none for the library, which finds its descriptors gone.
        unsafe { syscall(SYS_close_range, first, c_uint::MAX, 0) };
    };
    // SAFETY: some of it is not sound, which is the point: what comes of it must stay in this
    // process.
    unsafe {
        match deed {
            "nothing" => {}
            "close all" => close_all_from(0),
            "close all but the standard streams" => close_all_from(3),
            "close all and go on" => {
                close_all_from(3);
                wait_for_ever();
            }
            "close the standard streams" => drop((close(0), close(1), close(2))),
            "put others in place of all" => {
                let null = open(c"/dev/null".as_ptr(), O_RDWR);
                for number in (0..64).filter(|number| *number != null) {
                    dup2(null, number);
                }
            }
            "put another socket in place of all" => {
                let mut ends = [0; 2];
                socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends.as_mut_ptr());
                for number in (3..64).filter(|number| !ends.contains(number)) {
                    dup2(ends[0], number);
                }
            }
            "shut its connections down" => {
                for number in 3..64 {
                    shutdown(number, SHUT_RDWR);
                }
                wait_for_ever();
            }
            "read what is there for others" => {
                let mut bytes = [0_u8; 4096];
                for number in 3..64 {
                    recv(number, bytes.as_mut_ptr().cast(), bytes.len(), MSG_DONTWAIT);
                }
            }
            "leave a process" => leave(),
            "leave a process and abort" => {
                leave();
                abort();
            }
            "leave a process in a session and exit" => {
                if fork() == 0 {
                    setsid();
                    outlive();
                }
                _exit(4);
            }
            "leave a grandchild" => {
                prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
                if fork() == 0 {
                    leave();
                    _exit(0);
                }
            }
            "leave a program with all descriptors" => {
                for number in 0..64 {
                    fcntl(number, F_SETFD, 0);
                }
                let parent = multiproc::current().unwrap().parent_id();
                let command =
                    format!("while kill -0 {parent} 2>/dev/null; do sleep 0.05; done &\0");
                system(command.as_ptr().cast());
            }
            "fork and exit there" => {
                if fork() == 0 {
                    _exit(3);
                }
            }
            "fork and return twice" => drop(fork()),
            "fork and return late there" => {
                if fork() == 0 {
                    usleep(200_000);
                }
            }
            "fork and return early there" => {
                if fork() != 0 {
                    usleep(200_000);
                }
            }
            "block all signals" => {
                let mut all = std::mem::zeroed();
                sigfillset(&raw mut all);
                pthread_sigmask(SIG_SETMASK, &raw const all, ptr::null_mut());
                wait_for_ever();
            }
            "begin a session" => {
                setsid();
            }
            "be traced" => {
                ptrace(PTRACE_TRACEME, 0, 0, 0);
            }
            "be traced and trap" => {
                ptrace(PTRACE_TRACEME, 0, 0, 0);
                raise(SIGTRAP);
            }
            "be traced and exit" => {
                ptrace(PTRACE_TRACEME, 0, 0, 0);
                exit(5);
            }
            "be traced and be killed" => {
                ptrace(PTRACE_TRACEME, 0, 0, 0);
                raise(SIGKILL);
            }
            "have a thread traced and stopped" => {
                let thread = thread::spawn(|| {
                    ptrace(PTRACE_TRACEME, 0, 0, 0);
                    raise(SIGSTOP);
                });
                drop(thread.join());
            }
            "be traced by a process it leaves" => {
                let (reader, writer) = std::io::pipe().unwrap();
                let own = getpid();
                if fork() == 0 {
                    drop(reader);
                    ptrace(PTRACE_ATTACH, own, 0, 0);
                    drop(writer);
                    outlive();
                }
                drop(writer);
                // The end of the pipe: it traces, or may not.
                let _ = std::io::Read::read_to_end(&mut { reader }, &mut Vec::new());
            }
            "stop" => {
                raise(SIGSTOP);
            }
            "stop its first thread" => {
                syscall(SYS_tgkill, getpid(), getpid(), SIGSTOP);
                wait_for_ever();
            }
            "kill its first thread" => {
                syscall(SYS_tgkill, getpid(), getpid(), SIGKILL);
                wait_for_ever();
            }
            "exit on another thread" => {
                drop(thread::spawn(|| std::process::exit(9)).join());
            }
            "leave at once on another thread" => {
                drop(thread::spawn(|| _exit(9)).join());
            }
            "end its thread" => {
                syscall(SYS_exit, 0);
            }
            "be confined to reading and writing" => {
                prctl(PR_SET_SECCOMP, 1, 0, 0, 0);
            }
            "execute another program" => {
                let program = c"/bin/true".as_ptr();
                execl(program, program, ptr::null::<c_char>());
            }
            "execute another program that goes on" => {
                let program = c"/bin/sleep".as_ptr();
                execl(program, program, c"60".as_ptr(), ptr::null::<c_char>());
            }
            "execute the program" => {
                let program = c"/proc/self/exe".as_ptr();
                execl(program, program, c"again".as_ptr(), ptr::null::<c_char>());
            }
            "have namespaces and tables of its own" => {
                unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC);
                unshare(CLONE_FILES | CLONE_FS);
            }
            "change the root directory" => {
                chroot(c"/dev".as_ptr());
                chdir(c"/".as_ptr());
            }
            "become nobody" => {
                setresgid(65534, 65534, 65534);
                setresuid(65534, 65534, 65534);
            }
            "allow itself no more descriptors" => limit(RLIMIT_NOFILE, 3),
            "allow itself no more memory" => limit(RLIMIT_AS, 1 << 20),
            "write more than a pipe holds" => {
                let bytes = vec![b'x'; 1 << 20];
                write(1, bytes.as_ptr().cast(), bytes.len());
            }
            "lock its memory" => {
                mlockall(MCL_CURRENT | MCL_FUTURE);
            }
            "continue its parent" => {
                kill(getppid(), SIGCONT);
            }
            "have nothing wait" => {
                for number in 0..64 {
                    fcntl(number, F_SETFL, O_NONBLOCK);
                }
            }
            "unmap its stack" => {
                let here = (&raw const deed).addr() & !4095;
                munmap(ptr::with_exposed_provenance_mut(here), 1 << 20);
            }
            "ignore its children" => {
                signal(SIGCHLD, SIG_IGN);
            }
            "die of broken pipes" => {
                signal(SIGPIPE, SIG_DFL);
            }
            "be alarmed" => {
                let mut soon: itimerval = std::mem::zeroed();
                soon.it_value.tv_usec = 10_000;
                setitimer(ITIMER_REAL, &raw const soon, ptr::null_mut());
                wait_for_ever();
            }
            "ask for a deadline of its own" => {
                let priority = sched_param { sched_priority: 1 };
                sched_setscheduler(0, SCHED_FIFO, &raw const priority);
            }
            "not be dumped" => {
                prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
            }
            other => panic!("there is no deed {other}"),
        }
    }
}

fn wait_for_ever() -> ! {
    loop {
        thread::park();
    }
}

/// Leaves a process that lives as long as the program.
fn leave() {
    // SAFETY: the copy makes system calls only.
    if unsafe { libc::fork() } == 0 {
        outlive();
    }
}

/// Lives as long as the program does, whatever becomes of this process's parent.
fn outlive() -> ! {
    let program = multiproc::current().unwrap().parent_id().cast_signed();
    // SAFETY: system calls that take numbers.
    unsafe {
        while libc::kill(program, 0) == 0 {
            libc::usleep(20_000);
        }
        libc::_exit(0)
    }
}

fn limit(what: libc::__rlimit_resource_t, most: u64) {
    let limit = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: the place is a valid one.
    unsafe { libc::setrlimit(what, &raw const limit) };
}
