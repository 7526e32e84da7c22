//! What a worker tells that is killed because it takes too long.

#![expect(unsafe_code, reason = "workers wait, in ways that C code does")]

use std::backtrace::Backtrace;
use std::future::Future;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::pin::pin;
use std::process::Command;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use multiproc::sync::Mutex;
use multiproc::{Error, ErrorKind, Pool, Process, StartMethod, Stdio, Task, TaskState, worker};
use serde::{Deserialize, Serialize};

use crate::support::{cases, filter_system_call, wait_for_ever};

cases! {
    where_it_hangs_is_told
    a_worker_that_cannot_tell
    a_function_before_the_worker
    an_async_worker
    one_that_does_not_stop
    one_that_is_killed_at_once
    a_result_that_comes_when_it_is_asked
    a_filter_that_does_not_let_it_tell
    others_are_killed_in_time
    the_signal_from_elsewhere
    the_tasks_of_a_pool
    the_initializer_of_a_pool
    a_task_that_cannot_tell
    a_result_of_a_task_that_comes_when_it_is_asked
}

const SHORT: Duration = Duration::from_millis(200);

/// No test waits so long.
const LONG: Duration = Duration::from_secs(1000);

/// Generous, on a machine that has much to do.
const IN_TIME: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Way {
    Compute,
    Sleep,
    CallC,
    Lock,
    Join,
}

const WAYS: [Way; 5] = [Way::Compute, Way::Sleep, Way::CallC, Way::Lock, Way::Join];

/// Not a part of its callers, so that it has a frame.
#[inline(never)]
fn hang(way: Way) {
    match way {
        Way::Compute => {
            let mut count = 0_u64;
            loop {
                count = black_box(count.wrapping_add(1));
            }
        }
        Way::Sleep => std::thread::sleep(LONG),
        // SAFETY: it has no conditions.
        Way::CallC => drop(unsafe { libc::pause() }),
        Way::Lock => {
            let mutex: &Mutex<i32> = Box::leak(Box::new(Mutex::new(0).unwrap()));
            std::thread::spawn(|| {
                let _locked = mutex.lock().unwrap();
                std::thread::sleep(LONG);
            });
            while mutex.try_lock().is_ok() {}
            drop(mutex.lock().unwrap());
        }
        Way::Join => std::thread::spawn(|| hang(Way::Compute)).join().unwrap(),
    }
    // The call is not the last thing, and has to return here.
    black_box(way);
}

#[worker]
#[inline(never)]
fn hangs(way: Way) {
    hang(way);
    black_box(way);
}

/// Whether this program has lines for addresses. It has not if it was built without.
fn has_lines() -> bool {
    Backtrace::force_capture().to_string().contains("hangs.rs:")
}

/// Tries until the worker has told something, which it may fail to in time on a machine with much to do.
#[track_caller]
fn told(mut run: impl FnMut() -> Error) -> Error {
    for _ in 0..20 {
        let error = run();
        if error.backtrace().is_some() {
            return error;
        }
        let text = error.to_string();
        assert!(text.contains(" was killed because "), "{text}");
    }
    panic!("the worker has never told where it was");
}

/// The error tells that the worker was in `hang`, and all above it.
#[track_caller]
fn check_place(kind: ErrorKind, run: impl FnMut() -> Error) {
    let error = told(run);
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.signal(), Some(libc::SIGKILL), "{error}");
    let text = error.to_string();
    assert!(text.contains(": it was in `it::hangs::hang`"), "{text}");
    let backtrace = error.backtrace().expect("a backtrace");
    let told: Vec<_> = backtrace
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(_, function)| function)
        .collect();
    assert_eq!(told, ["it::hangs::hang", "it::hangs::hangs"], "{backtrace}");
    if has_lines() {
        assert!(text.contains("hangs.rs:"), "{text}");
        assert!(backtrace.contains("hangs.rs:"), "{backtrace}");
    }
    let printed = format!("{error:?}");
    assert!(printed.contains("\n\nstack of the worker:\n"), "{printed}");
    assert!(error.crash().is_none());
}

/// The error tells nothing of where the worker was.
#[track_caller]
fn check_no_place(error: &Error, kind: ErrorKind) {
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.backtrace(), None);
    let text = error.to_string();
    assert!(!text.contains("it was in"), "{text}");
}

fn where_it_hangs_is_told(method: StartMethod) {
    for way in WAYS {
        check_place(ErrorKind::TimedOut, || {
            let call = hangs::call(way).start_method(method).timeout(SHORT);
            call.run().unwrap_err()
        });
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Silence {
    Stopped,
    /// All signals, on the thread of the worker.
    Blocked,
    Ignored,
    Handled,
    /// As it is without a handler.
    Default,
    /// The thread sleeps where only `SIGKILL` wakes it.
    Uninterruptible,
}

const SILENCES: [Silence; 6] = [
    Silence::Stopped,
    Silence::Blocked,
    Silence::Ignored,
    Silence::Handled,
    Silence::Default,
    Silence::Uninterruptible,
];

#[worker]
fn is_silent(silence: Silence) {
    extern "C" fn nothing(_: libc::c_int) {}

    let handler: extern "C" fn(libc::c_int) = nothing;
    // SAFETY: the places are valid, and the handler has the right type; the copy of the process calls
    // only what a handler may call.
    unsafe {
        match silence {
            Silence::Stopped => drop(libc::raise(libc::SIGSTOP)),
            Silence::Blocked => {
                let mut all = MaybeUninit::uninit();
                libc::sigfillset(all.as_mut_ptr());
                libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), ptr::null_mut());
            }
            Silence::Ignored => drop(libc::signal(libc::SIGSTKFLT, libc::SIG_IGN)),
            Silence::Handled => {
                libc::signal(libc::SIGSTKFLT, handler as libc::sighandler_t);
            }
            Silence::Default => drop(libc::signal(libc::SIGSTKFLT, libc::SIG_DFL)),
            Silence::Uninterruptible => {
                let flags = i64::from(libc::CLONE_VFORK | libc::SIGCHLD);
                let worker = libc::getpid();
                // The worker's thread waits for the end of the copy.
                if libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) == 0 {
                    while libc::getppid() == worker {
                        libc::usleep(10_000);
                    }
                    libc::_exit(0);
                }
            }
        }
    }
    loop {
        std::thread::park();
    }
}

/// The error of a worker that is silent before its time is over: on a machine that has much to do it gets more
/// of that. Why an error is not that of such a worker, `is_early` says.
fn silenced(is_early: impl Fn(&Error) -> bool, mut run: impl FnMut(Duration) -> Error) -> Error {
    let mut time = SHORT;
    loop {
        let begin = Instant::now();
        let error = run(time);
        if time > IN_TIME / 2 || !is_early(&error) {
            assert!(begin.elapsed() < time + IN_TIME);
            return error;
        }
        time *= 2;
    }
}

/// Whether a worker has told where it was.
fn has_told(error: &Error) -> bool {
    error.backtrace().is_some()
}

fn a_worker_that_cannot_tell(method: StartMethod) {
    for silence in SILENCES {
        let expected = match silence {
            Silence::Default => libc::SIGSTKFLT,
            _ => libc::SIGKILL,
        };
        let mut id = 0;
        // One that has no time to die of the question is killed, too.
        let is_early = |error: &Error| has_told(error) || error.signal() != Some(expected);
        let error = silenced(is_early, |time| {
            let call = is_silent::call(silence).start_method(method).timeout(time);
            let process = call.spawn().unwrap();
            id = process.id();
            process.join().unwrap_err()
        });
        check_no_place(&error, ErrorKind::TimedOut);
        let text =
            format!("worker `is_silent` was killed because it exceeded its timeout (pid {id})");
        assert_eq!(error.to_string(), text);
        assert_eq!(error.signal(), Some(expected), "{silence:?}");
    }
}

fn hang_before() {
    hang(Way::Sleep);
}

#[worker(before_worker = hang_before)]
fn is_not_reached() {}

fn a_function_before_the_worker(method: StartMethod) {
    let error = told(|| {
        let call = is_not_reached::call().start_method(method).timeout(SHORT);
        call.run().unwrap_err()
    });
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let backtrace = error.backtrace().unwrap();
    let first = backtrace.lines().next().unwrap();
    assert!(first.ends_with(": it::hangs::hang"), "{backtrace}");
    assert!(
        backtrace.contains(": it::hangs::hang_before\n"),
        "{backtrace}"
    );
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::park();
    }
}

#[worker(runtime = block_on)]
async fn computes_and_awaits(way: Option<Way>) {
    match way {
        Some(way) => hang(way),
        None => std::future::pending().await,
    }
}

fn an_async_worker(method: StartMethod) {
    let error = |way| {
        told(|| {
            let call = computes_and_awaits::call(way).start_method(method);
            call.timeout(SHORT).run().unwrap_err()
        })
    };
    for way in [Way::Compute, Way::Sleep] {
        let text = error(Some(way)).to_string();
        assert!(text.contains(": it was in `it::hangs::hang`"), "{text}");
    }
    // What it awaits has no frame: the function that runs the future has.
    let text = error(None).to_string();
    assert!(text.contains(": it was in `it::hangs::block_on"), "{text}");
}

fn one_that_does_not_stop(method: StartMethod) {
    for way in WAYS {
        let start = || hangs::call(way).start_method(method).spawn().unwrap();
        check_place(ErrorKind::Cancelled, || {
            let process = start();
            // It may not have begun.
            std::thread::sleep(SHORT);
            process.cancel_within(SHORT);
            process.join().unwrap_err()
        });
    }
    // While no thread waits for it.
    check_place(ErrorKind::Cancelled, || {
        let call = hangs::call(Way::Compute).start_method(method);
        let mut process = call.spawn().unwrap();
        process.cancel_within(SHORT);
        while process.is_running() {
            std::thread::sleep(Duration::from_millis(10));
        }
        process.join().unwrap_err()
    });
    // It has a grace after its timeout.
    check_place(ErrorKind::TimedOut, || {
        let call = hangs::call(Way::Sleep).start_method(method);
        call.timeout(SHORT).grace(SHORT).run().unwrap_err()
    });
    for silence in SILENCES {
        let error = silenced(has_told, |time| {
            let call = is_silent::call(silence).start_method(method);
            let process = call.spawn().unwrap();
            std::thread::sleep(time);
            process.cancel_within(SHORT);
            process.join().unwrap_err()
        });
        check_no_place(&error, ErrorKind::Cancelled);
    }
}

fn one_that_is_killed_at_once(method: StartMethod) {
    let start = || wait_for_ever::call().start_method(method).spawn().unwrap();
    let process = start();
    process.kill();
    check_no_place(&process.join().unwrap_err(), ErrorKind::Signaled);
    let process = start();
    process.cancel_within(Duration::ZERO);
    check_no_place(&process.join().unwrap_err(), ErrorKind::Cancelled);
}

/// Returns when it is asked where it is.
#[worker]
fn returns_when_asked(value: u64) -> u64 {
    static IS_ASKED: AtomicBool = AtomicBool::new(false);

    extern "C" fn note(_: libc::c_int) {
        IS_ASKED.store(true, Ordering::Relaxed);
    }

    let handler: extern "C" fn(libc::c_int) = note;
    // SAFETY: the handler has the right type.
    unsafe { libc::signal(libc::SIGSTKFLT, handler as libc::sighandler_t) };
    while !IS_ASKED.swap(false, Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(1));
    }
    value
}

/// Tries until the value has come in time, which it need not on a machine with much to do.
#[track_caller]
fn see_value(mut run: impl FnMut(u64) -> multiproc::Result<u64>) {
    for value in 0..100 {
        match run(value) {
            Ok(returned) => return assert_eq!(returned, value),
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::Cancelled),
                "{error}"
            ),
        }
    }
    panic!("no value has come in time");
}

fn a_result_that_comes_when_it_is_asked(method: StartMethod) {
    let call = |value| returns_when_asked::call(value).start_method(method);
    see_value(|value| call(value).timeout(SHORT).run());
    see_value(|value| {
        let process = call(value).spawn()?;
        process.cancel_within(SHORT);
        process.join()
    });
}

#[worker]
fn hangs_with_a_filter(action: u32) {
    // What sends notes.
    filter_system_call(libc::SYS_sendto, action);
    hang(Way::Compute);
}

fn a_filter_that_does_not_let_it_tell(method: StartMethod) {
    let pool = Pool::builder().workers(1).start_method(method);
    let pool = pool.stderr(Stdio::null()).build().unwrap();
    for action in [
        libc::SECCOMP_RET_TRAP,
        libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned(),
        libc::SECCOMP_RET_KILL_THREAD,
        libc::SECCOMP_RET_KILL_PROCESS,
    ] {
        let call = hangs_with_a_filter::call(action).start_method(method);
        let error = call.stderr(Stdio::null()).timeout(SHORT).run().unwrap_err();
        check_no_place(&error, ErrorKind::TimedOut);
        let error = pool.submit(hangs_with_a_filter::call(action).timeout(SHORT));
        check_no_place(&error.wait().unwrap_err(), ErrorKind::TimedOut);
    }
}

fn others_are_killed_in_time(method: StartMethod) {
    let error = silenced(has_told, |time| {
        let call = || is_silent::call(Silence::Stopped).start_method(method);
        let start = |_| call().timeout(time).spawn().unwrap();
        let processes: Vec<_> = (0..20).map(start).collect();
        let join = |process: Process<()>| {
            let error = process.join().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
            error
        };
        // One that has told, if there is one.
        processes
            .into_iter()
            .map(join)
            .max_by_key(has_told)
            .unwrap()
    });
    check_no_place(&error, ErrorKind::TimedOut);
}

fn the_signal_from_elsewhere(method: StartMethod) {
    let process = wait_for_ever::call().start_method(method).spawn().unwrap();
    // It has its handlers when the worker runs, which is not known here.
    std::thread::sleep(SHORT);
    let id = process.id().to_string();
    let sent = Command::new("kill")
        .args(["-STKFLT", &id])
        .status()
        .unwrap();
    assert!(sent.success());
    let error = process.join().unwrap_err();
    check_no_place(&error, ErrorKind::Signaled);
    assert_eq!(error.signal(), Some(libc::SIGSTKFLT));
}

fn pool(method: StartMethod) -> Pool {
    let pool = Pool::builder().workers(1).start_method(method);
    pool.build().unwrap()
}

#[worker]
fn add(a: u64, b: u64) -> u64 {
    a + b
}

fn wait_until_running<R>(task: &Task<R>) {
    while task.state() != TaskState::Running {
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn the_tasks_of_a_pool(method: StartMethod) {
    let pool = pool(method);
    for way in WAYS {
        // With limits of its own, it runs on a thread of its own.
        for stack in [None, Some(1 << 20)] {
            check_place(ErrorKind::TimedOut, || {
                let call = hangs::call(way).timeout(SHORT);
                let call = match stack {
                    Some(size) => call.stack_size(size),
                    None => call,
                };
                pool.submit(call).wait().unwrap_err()
            });
        }
        assert_eq!(pool.submit(add::call(1, 2)).wait().unwrap(), 3);
    }
    check_place(ErrorKind::Cancelled, || {
        let task = pool.submit(hangs::call(Way::Sleep));
        wait_until_running(&task);
        // It may be about to begin.
        std::thread::sleep(SHORT);
        task.cancel_within(SHORT);
        task.wait().unwrap_err()
    });
    check_place(ErrorKind::TimedOut, || {
        let call = hangs::call(Way::Sleep).timeout(SHORT).grace(SHORT);
        pool.submit(call).wait().unwrap_err()
    });
    // Of several in a message, it is told of the one that hangs.
    let error = told(|| {
        let ways = [None, Some(Way::Compute), None];
        let results = pool.map(hangs_or_not::call, ways).timeout(SHORT);
        let [first, hung, last]: [_; 3] = results.collect::<Vec<_>>().try_into().unwrap();
        assert!(first.is_ok() && last.is_ok());
        hung.unwrap_err()
    });
    let text = error.to_string();
    assert!(text.contains(": it was in `it::hangs::hang`"), "{text}");
    let task = pool.submit(hangs::call(Way::Sleep));
    wait_until_running(&task);
    task.cancel();
    check_no_place(&task.wait().unwrap_err(), ErrorKind::Cancelled);
}

#[worker]
fn hangs_or_not(way: Option<Way>) {
    if let Some(way) = way {
        hang(way);
    }
}

#[worker]
fn initialize() -> Result<(), String> {
    hang(Way::Sleep);
    Ok(())
}

fn the_initializer_of_a_pool(method: StartMethod) {
    let error = told(|| {
        let builder = Pool::builder().workers(1).start_method(method);
        let builder = builder.initializer(initialize::call().timeout(SHORT));
        builder.build_and_wait().unwrap_err()
    });
    let text = error.to_string();
    assert!(text.contains(": it was in `it::hangs::hang`"), "{text}");
    assert!(error.backtrace().unwrap().contains("it::hangs::initialize"));
}

fn a_task_that_cannot_tell(method: StartMethod) {
    let pool = pool(method);
    for silence in SILENCES {
        let error = silenced(has_told, |time| {
            let task = pool.submit(is_silent::call(silence).timeout(time));
            task.wait().unwrap_err()
        });
        check_no_place(&error, ErrorKind::TimedOut);
        assert_eq!(pool.submit(add::call(1, 2)).wait().unwrap(), 3);
    }
}

fn a_result_of_a_task_that_comes_when_it_is_asked(method: StartMethod) {
    let pool = pool(method);
    see_value(|value| {
        pool.submit(returns_when_asked::call(value).timeout(SHORT))
            .wait()
    });
    assert_eq!(pool.submit(add::call(1, 2)).wait().unwrap(), 3);
    // Its own result counts among those of its message, and those behind it are run.
    see_value(|value| {
        let values = [value, value];
        let mut results = pool.map(returns_when_asked::call, values).timeout(SHORT);
        let first = results.next().unwrap();
        let _ = results.next().unwrap();
        assert!(results.next().is_none());
        first
    });
    assert_eq!(pool.submit(add::call(1, 2)).wait().unwrap(), 3);
}
