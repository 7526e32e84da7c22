//! Signals that come in between, and programs that mind signals and children themselves.

#![expect(
    unsafe_code,
    reason = "handlers are installed and signals sent by C calls"
)]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use std::{fs, ptr, thread};

use multiproc::ErrorKind::{Exited, Signaled};
use multiproc::{Fd, StartMethod, Stdio, active_children, worker};

use crate::support::{cases, check, fails, returns, wait_for_ever};

cases! {
    a_timer_that_fires_while_it_waits
    signals_that_come_to_every_thread
    a_program_that_ignores_its_children
    a_program_that_waits_for_all_children
    a_program_with_children_of_its_own
    a_program_that_blocks_signals
    ctrl_c_is_for_all
}

static TICKS: AtomicU64 = AtomicU64::new(0);

extern "C" fn tick(_: libc::c_int) {
    TICKS.fetch_add(1, Ordering::Relaxed);
}

/// Handles the signal, and has it interrupt system calls.
fn interrupt_by(signal: libc::c_int) {
    // SAFETY: all zeros are a valid value, without SA_RESTART.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = tick as extern "C" fn(libc::c_int) as libc::sighandler_t;
    // SAFETY: the handler does nothing but an atomic addition.
    let done = unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
    assert_eq!(done, 0);
}

#[worker]
fn reverse(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.reverse();
    bytes
}

#[worker]
fn wait_for_the_end_of(mut pipe: Fd<std::io::PipeReader>) -> usize {
    std::io::Read::read_to_end(&mut *pipe, &mut Vec::new()).unwrap()
}

/// All that can be interrupted.
fn work(method: StartMethod) {
    for length in [10, 300_000, 30 << 20] {
        let bytes = vec![1; length];
        check(method, reverse::call(bytes.clone()), returns(bytes));
    }
    let error = wait_for_ever::call()
        .start_method(method)
        .timeout(Duration::from_millis(20))
        .run()
        .unwrap_err();
    assert_eq!(error.kind(), multiproc::ErrorKind::TimedOut);
    // Joined by nobody but the monitor, which is interrupted too.
    let process = reverse::call(vec![1; 1 << 20])
        .start_method(method)
        .spawn()
        .unwrap();
    crate::support::Pidfd::of_child(&process).wait();
    assert_eq!(process.join().unwrap().len(), 1 << 20);
    // A join that lasts for many signals.
    let (reader, writer) = std::io::pipe().unwrap();
    let call = wait_for_the_end_of::call(Fd::new(reader));
    let mut process = call.start_method(method).spawn().unwrap();
    let timeout = Duration::from_millis(30);
    assert_eq!(process.join_timeout(timeout).unwrap(), None);
    let begun = TICKS.load(Ordering::Relaxed);
    let end = thread::spawn(move || {
        while TICKS.load(Ordering::Relaxed) < begun + 100 {
            thread::yield_now();
        }
        drop(writer);
    });
    assert_eq!(process.join().unwrap(), 0);
    end.join().unwrap();
}

fn a_timer_that_fires_while_it_waits(method: StartMethod) {
    interrupt_by(libc::SIGALRM);
    let every = libc::timeval {
        tv_sec: 0,
        tv_usec: 1000,
    };
    let timer = libc::itimerval {
        it_interval: every,
        it_value: every,
    };
    // SAFETY: the signal is handled.
    let set = unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, ptr::null_mut()) };
    assert_eq!(set, 0);
    // The kernel prefers the first thread for it, which is libtest's: leave it this one.
    let everywhere = pass_on(libc::SIGALRM, Duration::from_millis(1));
    work(method);
    drop(everywhere);
}

fn signals_that_come_to_every_thread(method: StartMethod) {
    interrupt_by(libc::SIGUSR1);
    let everywhere = pass_on(libc::SIGUSR1, Duration::from_micros(100));
    for _ in 0..3 {
        work(method);
    }
    drop(everywhere);
}

/// Sends the signal to each thread of this process again and again, until dropped.
fn pass_on(signal: libc::c_int, every: Duration) -> impl Drop {
    static STOP: AtomicBool = AtomicBool::new(false);
    struct Stop(Option<thread::JoinHandle<()>>);
    impl Drop for Stop {
        fn drop(&mut self) {
            STOP.store(true, Ordering::Relaxed);
            self.0.take().unwrap().join().unwrap();
        }
    }
    let sending = move || {
        while !STOP.load(Ordering::Relaxed) {
            for thread in fs::read_dir("/proc/self/task").unwrap() {
                let id: i32 = thread
                    .unwrap()
                    .file_name()
                    .to_str()
                    .unwrap()
                    .parse()
                    .unwrap();
                // SAFETY: a system call that takes numbers; the signal is handled.
                unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), id, signal) };
            }
            thread::sleep(every);
        }
    };
    Stop(Some(thread::spawn(sending)))
}

/// Then the kernel reaps them, and nobody knows how they ended. What they return arrives.
fn a_program_that_ignores_its_children(method: StartMethod) {
    // SAFETY: nobody else waits for children here.
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    check(
        method,
        reverse::call(vec![1; 300_000]),
        returns(vec![1; 300_000]),
    );
    let process = wait_for_ever::call().start_method(method).spawn().unwrap();
    process.kill();
    let id = process.id();
    let error = process.join().unwrap_err();
    assert_eq!(error.kind(), Exited);
    assert_eq!(error.exit_status(), None);
    let text = "ended, but its exit status is not known: other code waited for it";
    assert_eq!(
        // Depending on how far it came.
        error
            .to_string()
            .replace(" before it received its arguments", ""),
        format!("worker `wait_for_ever` {text} (pid {id})")
    );
    check(method, reverse::call(vec![1]), returns(vec![1]));
    assert!(active_children().is_empty());
}

/// It takes the children of others away, as some libraries do.
fn a_program_that_waits_for_all_children(method: StartMethod) {
    static STOP: AtomicBool = AtomicBool::new(false);
    let thief = thread::spawn(|| {
        while !STOP.load(Ordering::Relaxed) {
            // SAFETY: a system call that may be given no place for the status.
            if unsafe { libc::waitpid(-1, ptr::null_mut(), 0) } < 0 {
                thread::yield_now();
            }
        }
    });
    for number in 0..50 {
        check(method, reverse::call(vec![number]), returns(vec![number]));
        let process = wait_for_ever::call().start_method(method).spawn().unwrap();
        process.kill();
        let error = process.join().unwrap_err();
        assert!(matches!(error.kind(), Exited | Signaled), "{error}");
    }
    STOP.store(true, Ordering::Relaxed);
    // Its last child.
    drop(reverse::call(vec![1]).start_method(method).run());
    while !thief.is_finished() {
        drop(reverse::call(vec![1]).start_method(method).run());
    }
    thief.join().unwrap();
}

/// The library waits for its own and for nobody else's.
fn a_program_with_children_of_its_own(method: StartMethod) {
    static SEEN: AtomicU64 = AtomicU64::new(0);
    extern "C" fn seen(_: libc::c_int) {
        SEEN.fetch_add(1, Ordering::Relaxed);
    }
    // SAFETY: the handler does nothing but an atomic addition.
    unsafe {
        libc::signal(
            libc::SIGCHLD,
            seen as extern "C" fn(libc::c_int) as libc::sighandler_t,
        )
    };
    for code in 0..10 {
        let mut own = std::process::Command::new("sh")
            .args(["-c", &format!("exit {code}")])
            .spawn()
            .unwrap();
        check(method, reverse::call(vec![1]), returns(vec![1]));
        assert_eq!(own.wait().unwrap().code(), Some(code));
    }
    assert!(SEEN.load(Ordering::Relaxed) > 0);
}

/// A program that takes its signals from a descriptor, say, and has all of them blocked.
fn a_program_that_blocks_signals(method: StartMethod) {
    let mut all = std::mem::MaybeUninit::uninit();
    // SAFETY: it writes the set that it is given the place of.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: the set was just written.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), ptr::null_mut()) };
    check(
        method,
        reverse::call(vec![1; 300_000]),
        returns(vec![1; 300_000]),
    );
    let process = wait_for_ever::call().start_method(method).spawn().unwrap();
    process.kill();
    assert_eq!(process.join().unwrap_err().signal(), Some(libc::SIGKILL));
    let call = wait_for_ever::call().timeout(Duration::from_millis(20));
    let error = call.start_method(method).run().unwrap_err();
    assert_eq!(error.kind(), multiproc::ErrorKind::TimedOut);
    let text = "worker `aborts` was killed by SIGABRT: abort, in PLACE (pid PID)";
    check(method, aborts::call(), fails(Signaled, text));
}

#[worker]
fn aborts() {
    std::process::abort();
}

#[worker]
fn interrupts_itself() {
    // SAFETY: a system call that takes a number.
    unsafe { libc::raise(libc::SIGINT) };
}

fn ctrl_c_is_for_all(method: StartMethod) {
    let text = "worker `interrupts_itself` was killed by SIGINT (pid PID)";
    check(
        method,
        interrupts_itself::call().stdout(Stdio::null()),
        fails(Signaled, text),
    );
}
