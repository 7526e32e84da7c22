//! How a child ends, and what its parent is told.

#![expect(
    unsafe_code,
    reason = "workers crash by undefined behaviour and C calls"
)]

use std::hint::black_box;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::process;
use std::time::Duration;

use multiproc::ErrorKind::{Decode, Encode, Exited, Panicked, Signaled, TimedOut};
use multiproc::{StartMethod, Stdio, active_children, worker};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::support::{Pidfd, cases, check, fails, returns, wait_for_ever};

cases! {
    a_worker_that_returns
    a_worker_that_panics
    a_worker_that_panics_with_something_else
    a_worker_that_panics_on_another_thread
    a_worker_that_resumes_a_panic
    a_panic_is_on_stderr_too
    a_panic_has_a_backtrace_if_asked_for
    a_worker_that_exits
    a_worker_that_aborts
    a_worker_that_segfaults
    a_worker_that_overflows_its_stack
    a_worker_that_runs_out_of_memory
    a_crash_at_the_memory_limit
    a_crash_below_the_memory_limit
    a_worker_that_raises_a_signal
    a_worker_that_kills_itself
    a_worker_that_is_killed_from_outside
    a_worker_that_never_returns
    an_argument_that_cannot_be_encoded
    an_argument_that_cannot_be_decoded
    a_result_that_cannot_be_encoded
    a_result_that_cannot_be_decoded
    a_value_whose_code_panics
    a_timeout
    a_timeout_that_is_not_needed
    a_timeout_after_the_result
    an_exit_in_another_thread
    a_panic_with_a_long_message
    a_panic_with_a_hook_of_the_workers
    a_worker_that_closes_every_descriptor
    a_worker_that_cannot_have_a_thread
    a_thread_that_is_left_behind
}

/// What it does when memory runs out, or before.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Crash {
    Grow,
    AskAtOnce,
    AskInC,
    OnAnotherThread,
    FollowNull,
    Abort,
    Overflow,
    Recover,
}

#[worker]
fn crashes(crash: Crash) {
    // Raised by a failing `malloc` only.
    // SAFETY: it belongs to this thread.
    unsafe { *libc::__errno_location() = libc::EAGAIN };
    match crash {
        Crash::Grow => {
            let mut all = Vec::new();
            loop {
                all.push(black_box([7_u8; 4096]));
            }
        }
        Crash::AskAtOnce => drop(black_box(vec![7_u8; 4 << 30])),
        // SAFETY: none: it is not known whether there is any memory.
        Crash::AskInC => unsafe { black_box(libc::malloc(4 << 30).cast::<u8>()).write_volatile(7) },
        Crash::OnAnotherThread => {
            let _ = std::thread::spawn(|| drop(black_box(vec![7_u8; 4 << 30]))).join();
        }
        // SAFETY: none: this is the crash.
        Crash::FollowNull => unsafe { black_box(std::ptr::null_mut::<u8>()).write_volatile(7) },
        Crash::Abort => process::abort(),
        Crash::Overflow => _ = overflows(1),
        Crash::Recover => {
            assert!(Vec::<u8>::new().try_reserve(4 << 30).is_err());
            drop(black_box(vec![7_u8; 500 << 20]));
        }
    }
}

fn a_crash_at_the_memory_limit(method: StartMethod) {
    for (crash, signal, why) in [
        (Crash::Grow, "SIGABRT", "abort"),
        (Crash::AskAtOnce, "SIGABRT", "abort"),
        (Crash::AskInC, "SIGSEGV", "address 0x0 not mapped"),
        (Crash::OnAnotherThread, "SIGABRT", "abort"),
    ] {
        let text = format!(
            "worker `crashes` was killed by {signal} after exceeding its memory limit of 256 MiB: {why}, in PLACE (pid PID)"
        );
        // Printing a backtrace opens files that are not there.
        for backtrace in ["0", "1"] {
            let call = crashes::call(crash).memory_limit(256 << 20);
            let call = call.env("RUST_BACKTRACE", backtrace).stderr(Stdio::null());
            check(method, call, fails(Signaled, &text));
        }
    }
    check(
        method,
        crashes::call(Crash::Recover).memory_limit(1 << 30),
        returns(()),
    );
}

/// These have nothing to do with it.
fn a_crash_below_the_memory_limit(method: StartMethod) {
    for (crash, why) in [
        (Crash::FollowNull, "SIGSEGV: address 0x0 not mapped"),
        (Crash::Abort, "SIGABRT: abort"),
        (Crash::Overflow, "SIGSEGV: stack overflow"),
    ] {
        let text = format!("worker `crashes` was killed by {why}, in PLACE (pid PID)");
        let call = crashes::call(crash).memory_limit(1 << 30);
        check(method, call.stderr(Stdio::null()), fails(Signaled, &text));
    }
    // What comes from outside ends it, too.
    for signal in [
        libc::SIGSEGV,
        libc::SIGABRT,
        libc::SIGBUS,
        libc::SIGILL,
        libc::SIGTRAP,
    ] {
        let process = wait_for_ever::call()
            .memory_limit(1 << 30)
            .start_method(method);
        let process = process.spawn().unwrap();
        let pid = i32::try_from(process.id()).unwrap();
        // SAFETY: it takes numbers; the process is there, since it was not joined.
        unsafe { libc::kill(pid, signal) };
        let error = process.join().unwrap_err();
        assert_eq!(error.signal(), Some(signal));
        assert!(!error.to_string().contains("limit"), "{error}");
    }
}

#[worker]
fn repeat(text: &str, times: usize) -> String {
    text.repeat(times)
}

fn a_worker_that_returns(method: StartMethod) {
    check(method, repeat::call("ab", 2), returns("abab".to_owned()));
    assert_eq!(repeat("ab", 2), "abab");
    assert_eq!(repeat::run("ab", 2).unwrap(), "abab");
    assert_eq!(repeat::spawn("ab", 2).unwrap().join().unwrap(), "abab");
}

#[worker]
fn panics(number: u32) {
    panic!("boom {number}");
}

/// Where the line above is.
const BOOM: u32 = line!() - 4;

fn a_worker_that_panics(method: StartMethod) {
    let text = format!("worker `panics` panicked: boom 7, at {}:{BOOM}:5", file!());
    check(method, panics::call(7), fails(Panicked, &text));

    let error = panics::call(7).start_method(method).run().unwrap_err();
    let panic = error.panic().unwrap();
    assert_eq!(panic.message(), "boom 7");
    assert_eq!(panic.backtrace(), None);
    let location = panic.location().unwrap();
    assert_eq!(location.file(), file!());
    assert_eq!((location.line(), location.column()), (BOOM, 5));
    assert_eq!(format!("{location:?}"), format!("{}:{BOOM}:5", file!()));
    assert_eq!(error.exit_status().unwrap().code(), Some(101));
}

#[worker]
fn panics_with_a_number() {
    panic_any(7);
}

fn a_worker_that_panics_with_something_else(method: StartMethod) {
    let error = panics_with_a_number::call()
        .start_method(method)
        .run()
        .unwrap_err();
    let panic = error.panic().unwrap();
    assert_eq!(panic.message(), "a panic whose payload is not a string");
    assert_eq!(panic.location().unwrap().file(), file!());
}

#[worker]
fn survives_the_panic_of_a_thread() -> String {
    let thread = std::thread::spawn(|| panic!("only a thread"));
    let payload = thread.join().unwrap_err();
    payload.downcast_ref::<&str>().unwrap().to_string()
}

fn a_worker_that_panics_on_another_thread(method: StartMethod) {
    check(
        method,
        survives_the_panic_of_a_thread::call().stderr(Stdio::null()),
        returns("only a thread".to_owned()),
    );
}

#[worker]
fn resumes() {
    let payload = catch_unwind(|| panic!("first")).unwrap_err();
    resume_unwind(payload);
}

fn a_worker_that_resumes_a_panic(method: StartMethod) {
    let error = resumes::call().start_method(method).run().unwrap_err();
    assert_eq!(error.kind(), Panicked);
    assert_eq!(error.panic().unwrap().message(), "first");
}

fn a_panic_is_on_stderr_too(method: StartMethod) {
    let mut process = panics::call(7)
        .start_method(method)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut text = String::new();
    let mut stderr = process.take_stderr().unwrap();
    stderr.read_to_string(&mut text).unwrap();
    assert_eq!(process.join().unwrap_err().kind(), Panicked);
    assert!(text.contains("thread 'panics'"), "{text}");
    let told = format!("panicked at {}:{BOOM}:5:\nboom 7\n", file!());
    assert!(text.contains(&told), "{text}");
}

fn a_panic_has_a_backtrace_if_asked_for(method: StartMethod) {
    let error = panics::call(7)
        .start_method(method)
        .env("RUST_BACKTRACE", "1")
        .stderr(Stdio::null())
        .run()
        .unwrap_err();
    let backtrace = error.panic().unwrap().backtrace().unwrap();
    assert!(backtrace.contains("ends::panics"), "{backtrace}");
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[worker]
fn exits(code: i32) -> u32 {
    process::exit(code);
}

fn a_worker_that_exits(method: StartMethod) {
    check(
        method,
        exits::call(3),
        fails(Exited, "worker `exits` exited with code 3 (pid PID)"),
    );
    check(
        method,
        exits::call(0),
        fails(
            Exited,
            "worker `exits` exited with code 0 without returning a value (pid PID)",
        ),
    );
    check(
        method,
        exits::call(101),
        fails(Exited, "worker `exits` exited with code 101 (pid PID)"),
    );
    check(
        method,
        exits::call(-1),
        fails(Exited, "worker `exits` exited with code 255 (pid PID)"),
    );
}

#[worker]
fn aborts() {
    process::abort();
}

fn a_worker_that_aborts(method: StartMethod) {
    let text = "worker `aborts` was killed by SIGABRT: abort, in PLACE (pid PID)";
    check(method, aborts::call(), fails(Signaled, text));
}

#[worker]
fn segfaults() {
    let nowhere = std::ptr::without_provenance_mut::<u64>(64);
    // SAFETY: none, that is the point.
    unsafe { nowhere.write_volatile(1) };
}

fn a_worker_that_segfaults(method: StartMethod) {
    let text =
        "worker `segfaults` was killed by SIGSEGV: address 0x40 not mapped, in PLACE (pid PID)";
    check(method, segfaults::call(), fails(Signaled, text));
}

#[worker]
#[expect(unconditional_recursion, reason = "it is the point")]
fn overflows(depth: u64) -> u64 {
    black_box(overflows(black_box(depth + 1)) + depth)
}

fn a_worker_that_overflows_its_stack(method: StartMethod) {
    let text = "worker `overflows` was killed by SIGSEGV: stack overflow, in PLACE (pid PID)";
    check(method, overflows::call(0), fails(Signaled, text));
}

#[worker]
fn allocates() -> usize {
    black_box(vec![1_u8; isize::MAX as usize - 4096]).len()
}

fn a_worker_that_runs_out_of_memory(method: StartMethod) {
    let text = "worker `allocates` was killed by SIGABRT: abort, in PLACE (pid PID)";
    let call = allocates::call().stderr(Stdio::null());
    check(method, call, fails(Signaled, text));
}

#[worker]
fn raises(signal: i32) {
    // SAFETY: a system call that takes a number.
    unsafe { libc::raise(signal) };
}

fn a_worker_that_raises_a_signal(method: StartMethod) {
    for (signal, name) in [
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGTRAP, "SIGTRAP"),
        (libc::SIGUSR1, "SIGUSR1"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGXCPU, "SIGXCPU"),
        (libc::SIGSYS, "SIGSYS"),
        (libc::SIGRTMIN() + 3, "signal 37"),
    ] {
        let crashes = ["SIGFPE", "SIGILL", "SIGBUS", "SIGTRAP", "SIGSYS"];
        let why = if crashes.contains(&name) {
            ": raised by the process itself, in PLACE"
        } else {
            ""
        };
        let text = format!("worker `raises` was killed by {name}{why} (pid PID)");
        check(method, raises::call(signal), fails(Signaled, &text));
    }
    // A program of Rust's ignores a broken pipe, and so does its worker.
    check(method, raises::call(libc::SIGPIPE), returns(()));
    check(method, raises::call(libc::SIGCHLD), returns(()));
}

#[worker]
fn kills_itself() {
    // SAFETY: system calls that take numbers.
    unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
}

fn a_worker_that_kills_itself(method: StartMethod) {
    let text = "worker `kills_itself` was killed by SIGKILL (pid PID)";
    check(method, kills_itself::call(), fails(Signaled, text));
}

fn a_worker_that_is_killed_from_outside(method: StartMethod) {
    let process = wait_for_ever::call().start_method(method).spawn().unwrap();
    let id = process.id();
    let killed = process::Command::new("kill")
        .args(["-9", &id.to_string()])
        .status();
    assert!(killed.unwrap().success());
    let error = process.join().unwrap_err();
    assert_eq!((error.kind(), error.signal()), (Signaled, Some(9)));
    assert_eq!(error.worker(), Some("wait_for_ever"));
    assert_eq!(error.exit_status().unwrap().signal(), Some(9));
}

#[worker]
fn never_returns() -> ! {
    process::exit(4)
}

fn a_worker_that_never_returns(method: StartMethod) {
    let error = never_returns::call()
        .start_method(method)
        .run()
        .unwrap_err();
    assert_eq!(
        error.to_string().split(" (").next(),
        Some("worker `never_returns` exited with code 4")
    );
    assert_eq!(error.kind(), Exited);
}

/// A value that goes wrong somewhere on its way.
#[derive(Debug, Clone, PartialEq)]
enum Faulty {
    WrittenBadly,
    ReadBadly,
    PanicsWhenWritten,
    PanicsWhenRead,
    ExitsWhenRead,
    Fine,
}

impl Serialize for Faulty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Faulty::WrittenBadly => {
                Err(serde::ser::Error::custom("it does not want to be written"))
            }
            Faulty::PanicsWhenWritten => panic!("written"),
            Faulty::ReadBadly => serializer.serialize_u8(0),
            Faulty::PanicsWhenRead => serializer.serialize_u8(1),
            Faulty::ExitsWhenRead => serializer.serialize_u8(2),
            Faulty::Fine => serializer.serialize_u8(3),
        }
    }
}

impl<'de> Deserialize<'de> for Faulty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Faulty, D::Error> {
        match u8::deserialize(deserializer)? {
            0 => Err(serde::de::Error::custom("it does not want to be read")),
            1 => panic!("read"),
            2 => process::exit(5),
            _ => Ok(Faulty::Fine),
        }
    }
}

#[worker]
fn takes(before: &[u8], _value: Faulty) -> usize {
    before.len()
}

#[worker]
#[allow(clippy::ptr_arg, reason = "it is the `Vec` that is lent")]
fn lends(value: &Vec<Faulty>) -> usize {
    value.len()
}

/// Makes the value whose number it is, as faulty ones cannot be sent.
#[worker]
fn gives(number: u8) -> Vec<Faulty> {
    vec![
        Faulty::Fine,
        match number {
            0 => Faulty::WrittenBadly,
            1 => Faulty::ReadBadly,
            2 => Faulty::PanicsWhenWritten,
            3 => Faulty::PanicsWhenRead,
            _ => Faulty::Fine,
        },
    ]
}

fn an_argument_that_cannot_be_encoded(method: StartMethod) {
    let not_started = |error: multiproc::Error, worker: &str| {
        let text = format!(
            "worker `{worker}`: its arguments cannot be encoded: it does not want to be written"
        );
        assert_eq!(error.to_string(), text);
        assert_eq!(error.kind(), Encode);
        assert_eq!(error.worker(), Some(worker));
        assert!(active_children().is_empty());
    };
    let call = takes::call(&[1; 100_000], Faulty::WrittenBadly);
    not_started(call.start_method(method).spawn().unwrap_err(), "takes");
    let value = vec![Faulty::Fine, Faulty::WrittenBadly];
    let call = lends::call(&value);
    not_started(call.start_method(method).spawn().unwrap_err(), "lends");
    check(method, takes::call(&[1], Faulty::Fine), returns(1));
}

fn an_argument_that_cannot_be_decoded(method: StartMethod) {
    check(
        method,
        takes::call(&[1; 100_000], Faulty::ReadBadly),
        fails(
            Decode,
            "worker `takes`: its arguments cannot be decoded: it does not want to be read",
        ),
    );
    check(
        method,
        lends::call(&vec![Faulty::Fine, Faulty::ReadBadly]),
        fails(
            Decode,
            "worker `lends`: its arguments cannot be decoded: it does not want to be read",
        ),
    );
}

fn a_result_that_cannot_be_encoded(method: StartMethod) {
    check(
        method,
        gives::call(0),
        fails(
            Encode,
            "worker `gives`: its result cannot be encoded: it does not want to be written",
        ),
    );
    check(
        method,
        gives::call(9),
        returns(vec![Faulty::Fine, Faulty::Fine]),
    );
}

fn a_result_that_cannot_be_decoded(method: StartMethod) {
    check(
        method,
        gives::call(1),
        fails(
            Decode,
            "worker `gives`: its result cannot be decoded: it does not want to be read",
        ),
    );
}

fn a_value_whose_code_panics(method: StartMethod) {
    let panicked = |error: multiproc::Error, message: &str| {
        assert_eq!(error.kind(), Panicked, "{error}");
        assert_eq!(error.panic().unwrap().message(), message);
    };
    let run = |value| takes::call(&[1], value).start_method(method).run();
    panicked(run(Faulty::PanicsWhenRead).unwrap_err(), "read");
    let gives = |number| gives::call(number).start_method(method).spawn().unwrap();
    panicked(gives(2).join().unwrap_err(), "written");
    check(
        method,
        takes::call(&[1], Faulty::ExitsWhenRead),
        fails(Exited, "worker `takes` exited with code 5 (pid PID)"),
    );
    // In the caller it is the caller's panic, and leaves nothing behind.
    let call = AssertUnwindSafe(|| run(Faulty::PanicsWhenWritten));
    assert!(catch_unwind(call).is_err());
    let call = AssertUnwindSafe(|| gives(3).join());
    assert!(catch_unwind(call).is_err());
    assert!(active_children().is_empty());
}

fn a_timeout(method: StartMethod) {
    for timeout in [Duration::ZERO, Duration::from_millis(50)] {
        check(
            method,
            wait_for_ever::call().timeout(timeout),
            fails(
                TimedOut,
                "worker `wait_for_ever` was killed because it exceeded its timeout (pid PID)",
            ),
        );
    }
    // Nobody joins it, and it ends all the same.
    let process = wait_for_ever::call()
        .start_method(method)
        .timeout(Duration::from_millis(50))
        .spawn()
        .unwrap();
    Pidfd::of_child(&process).wait();
    assert_eq!(process.join().unwrap_err().kind(), TimedOut);
}

fn a_timeout_that_is_not_needed(method: StartMethod) {
    for timeout in [Duration::from_secs(90), Duration::MAX] {
        check(
            method,
            repeat::call("a", 3).timeout(timeout),
            returns("aaa".to_owned()),
        );
        let text = "worker `exits` exited with code 3 (pid PID)";
        check(method, exits::call(3).timeout(timeout), fails(Exited, text));
    }
}

#[worker]
fn returns_but_does_not_end() -> u32 {
    extern "C" fn wait() {
        loop {
            std::thread::park();
        }
    }
    // SAFETY: the function has the right signature and stays where it is.
    unsafe { libc::atexit(wait) };
    7
}

/// What was returned was returned, even if the process must be killed after it.
fn a_timeout_after_the_result(method: StartMethod) {
    let call = returns_but_does_not_end::call().timeout(Duration::from_millis(300));
    check(method, call, returns(7));
}

#[worker]
fn exits_in_a_thread() {
    std::thread::spawn(|| process::exit(6));
    loop {
        std::thread::park();
    }
}

fn an_exit_in_another_thread(method: StartMethod) {
    let text = "worker `exits_in_a_thread` exited with code 6 (pid PID)";
    check(method, exits_in_a_thread::call(), fails(Exited, text));
}

#[worker]
fn panics_at_length(length: usize) {
    panic!("{}", "x".repeat(length));
}

fn a_panic_with_a_long_message(method: StartMethod) {
    for length in [0, 100_000, 3 << 20] {
        let call = panics_at_length::call(length).stderr(Stdio::null());
        let error = call.start_method(method).run().unwrap_err();
        assert_eq!(error.panic().unwrap().message().len(), length);
    }
}

#[worker]
fn panics_with_a_hook() {
    std::panic::set_hook(Box::new(|_| {}));
    panic!("boom");
}

/// The message is there all the same; the place was the hook's to tell.
fn a_panic_with_a_hook_of_the_workers(method: StartMethod) {
    let text = "worker `panics_with_a_hook` panicked: boom";
    check(method, panics_with_a_hook::call(), fails(Panicked, text));
}

#[worker]
fn closes_everything() -> u32 {
    // SAFETY: none for the library, which finds its descriptors gone.
    unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
    7
}

/// As daemons do. Then nothing can be told any more, but that there was something.
fn a_worker_that_closes_every_descriptor(method: StartMethod) {
    let text = "worker `closes_everything` exited with code 74, as happens when the worker closes the connection for its result (pid PID)";
    check(method, closes_everything::call(), fails(Exited, text));
}

fn a_worker_that_cannot_have_a_thread(method: StartMethod) {
    let call = repeat::call("a", 1).env("RUST_MIN_STACK", "9000000000000000000");
    let error = call.start_method(method).run().unwrap_err();
    assert_eq!(error.kind(), multiproc::ErrorKind::Spawn);
    assert!(
        error.to_string().contains("it cannot start a thread"),
        "{error}"
    );
}

#[worker]
fn leaves_a_thread() -> u32 {
    std::thread::spawn(|| {
        loop {
            std::thread::park();
        }
    });
    7
}

fn a_thread_that_is_left_behind(method: StartMethod) {
    check(method, leaves_a_thread::call(), returns(7));
}
