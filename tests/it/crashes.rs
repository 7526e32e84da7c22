//! What a worker that crashes tells.

#![expect(unsafe_code, reason = "workers crash, in ways that `unsafe` code does")]

use std::arch::asm;
use std::backtrace::Backtrace;
use std::hint::black_box;
use std::ptr;
use std::time::Duration;

use multiproc::{Error, ErrorKind, Pool, StartMethod, Stdio, worker};
use serde::{Deserialize, Serialize};

use crate::support::{Pidfd, cases, filter_system_call, wait_for_ever};

cases! {
    what_happened_is_told
    where_it_happened_is_told
    a_crash_of_another_thread
    a_jump_to_nowhere
    a_stack_that_is_used_up
    a_stack_pointer_that_is_none
    a_crash_with_all_signals_blocked
    a_crash_in_a_signal_handler
    a_crash_in_the_allocator
    several_threads_crash_at_once
    a_handler_of_the_workers_is_used
    a_system_call_that_is_not_allowed
    a_signal_from_elsewhere_is_no_crash
    a_copy_of_a_worker_does_not_speak_for_it
    a_connection_that_is_closed
    a_startup_function_has_crashed
    a_task_of_a_pool_has_crashed
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Deed {
    ReadFrom(usize),
    WriteToConstant,
    Abort,
    Divide,
    Invalid,
    Breakpoint,
    Raise(i32),
    Panic,
}

/// Not a part of its callers, so that it has a frame.
#[inline(never)]
fn commit(deed: Deed) {
    // SAFETY: there are no reasons why any of it should be allowed: each is a crash.
    unsafe {
        match deed {
            Deed::ReadFrom(address) => {
                let place = ptr::with_exposed_provenance::<u8>(black_box(address));
                black_box(place.read_volatile());
            }
            Deed::WriteToConstant => {
                static CONSTANT: &str = "constant";
                CONSTANT.as_ptr().cast_mut().write_volatile(b'C');
            }
            Deed::Abort => std::process::abort(),
            #[cfg(target_arch = "x86_64")]
            Deed::Divide => {
                asm!("xor ecx, ecx", "div ecx", out("eax") _, out("ecx") _, out("edx") _)
            }
            #[cfg(target_arch = "x86_64")]
            Deed::Invalid => asm!("ud2"),
            #[cfg(target_arch = "x86_64")]
            Deed::Breakpoint => asm!("int3"),
            #[cfg(target_arch = "aarch64")]
            Deed::Divide => drop(libc::raise(libc::SIGFPE)),
            #[cfg(target_arch = "aarch64")]
            Deed::Invalid => asm!("udf #0"),
            #[cfg(target_arch = "aarch64")]
            Deed::Breakpoint => asm!("brk #0"),
            Deed::Raise(signal) => drop(libc::raise(signal)),
            Deed::Panic => panic!("not caught"),
        }
    }
}

#[worker]
fn crash(deed: Deed) {
    commit(deed);
}

/// The error of a worker that has crashed by a signal.
#[track_caller]
fn error(method: StartMethod, call: multiproc::Call<'_, ()>) -> Error {
    let error = call
        .start_method(method)
        .stderr(Stdio::null())
        .run()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Signaled, "{error}");
    error
}

fn what_happened_is_told(method: StartMethod) {
    let unmapped = "address not mapped";
    let raised = "raised by the process itself";
    let cases = [
        (Deed::ReadFrom(0), libc::SIGSEGV, unmapped, Some(0)),
        (
            Deed::ReadFrom(0x1234),
            libc::SIGSEGV,
            unmapped,
            Some(0x1234),
        ),
        (Deed::Abort, libc::SIGABRT, "abort", None),
        #[cfg(target_arch = "x86_64")]
        (
            Deed::ReadFrom(1 << 60),
            libc::SIGSEGV,
            "invalid address",
            None,
        ),
        #[cfg(target_arch = "x86_64")]
        (Deed::Divide, libc::SIGFPE, "divide by zero", None),
        (Deed::Invalid, libc::SIGILL, "illegal instruction", None),
        (Deed::Breakpoint, libc::SIGTRAP, "breakpoint", None),
        (Deed::Raise(libc::SIGSEGV), libc::SIGSEGV, raised, None),
        (Deed::Raise(libc::SIGBUS), libc::SIGBUS, raised, None),
    ];
    for (deed, signal, reason, address) in cases {
        let error = error(method, crash::call(deed));
        let told = error.crash().unwrap_or_else(|| panic!("{deed:?}: {error}"));
        assert_eq!(error.signal(), Some(signal), "{deed:?}");
        assert_eq!(
            (told.signal(), told.reason(), told.address()),
            (signal, reason, address),
            "{deed:?}"
        );
        assert_eq!(told.thread(), "crash");
        let text = match address {
            Some(address) => format!(": address {address:#x} not mapped, in `"),
            None => format!(": {reason}, in `"),
        };
        assert!(error.to_string().contains(&text), "{error}");
    }
    let error = error(method, crash::call(Deed::WriteToConstant));
    let told = error.crash().unwrap();
    assert_eq!(told.reason(), "address not accessible in this way");
    assert!(told.address().is_some());
}

/// Whether this program has lines for addresses. It has not if it was built without.
fn has_lines() -> bool {
    Backtrace::force_capture()
        .to_string()
        .contains("crashes.rs:")
}

/// The functions that are told, innermost first, are those of this module.
#[track_caller]
fn check_backtrace(error: &Error, functions: &[&str]) {
    let backtrace = error.crash().unwrap().backtrace().expect("a backtrace");
    let told: Vec<_> = backtrace
        .lines()
        .filter_map(|line| line.split_once(": it::crashes::"))
        .map(|(_, function)| function)
        .collect();
    assert_eq!(told, functions, "{backtrace}");
    assert!(!backtrace.contains("__dispatch"), "{backtrace}");
    let lines = backtrace
        .lines()
        .filter(|line| line.contains("crashes.rs:"));
    let expected = if has_lines() { functions.len() } else { 0 };
    assert_eq!(lines.count(), expected, "{backtrace}");
}

fn where_it_happened_is_told(method: StartMethod) {
    for deed in [Deed::ReadFrom(8), Deed::Abort, Deed::Invalid] {
        let error = error(method, crash::call(deed));
        check_backtrace(&error, &["commit", "crash"]);
        let text = error.to_string();
        assert!(text.contains(", in `it::crashes::commit`"), "{text}");
        if has_lines() {
            assert!(text.contains("crashes.rs:"), "{text}");
        }
        // As `main` would print it.
        let printed = format!("{error:?}");
        assert!(printed.contains("stack of the worker:\n"), "{printed}");
    }
}

#[worker]
fn crash_on_another_thread() {
    let thread = std::thread::Builder::new().name("another".to_owned());
    let thread = thread.spawn(|| commit(Deed::ReadFrom(8))).unwrap();
    thread.join().unwrap();
}

fn a_crash_of_another_thread(method: StartMethod) {
    let error = error(method, crash_on_another_thread::call());
    assert_eq!(error.crash().unwrap().thread(), "another");
    check_backtrace(&error, &["commit", "crash_on_another_thread::{{closure}}"]);
}

#[worker]
#[inline(never)]
fn jump(address: usize) {
    // SAFETY: there is no function: that is the crash.
    let nowhere: extern "C" fn() = unsafe { std::mem::transmute(black_box(address)) };
    nowhere();
    // The call is not the last thing, and has to return here.
    black_box(address);
}

fn a_jump_to_nowhere(method: StartMethod) {
    let error = error(method, jump::call(0x40));
    assert_eq!(error.crash().unwrap().address(), Some(0x40));
    check_backtrace(&error, &["jump"]);
}

#[worker]
#[expect(unconditional_recursion, reason = "that is the crash")]
fn recurse(depth: u64) {
    recurse(black_box(depth + 1));
    black_box(depth);
}

fn a_stack_that_is_used_up(method: StartMethod) {
    let error = error(method, recurse::call(0));
    let told = error.crash().unwrap();
    assert_eq!(
        (told.signal(), told.reason()),
        (libc::SIGSEGV, "stack overflow")
    );
    assert!(told.backtrace().unwrap().contains("recurse"));
    let text = error.to_string();
    assert!(
        text.contains(": stack overflow, in `it::crashes::recurse`"),
        "{text}"
    );
}

#[worker]
fn lose_the_stack() {
    // SAFETY: there is no stack at that address: that is the crash.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("mov rsp, 64", "push rax", options(noreturn));
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "mov x0, #64",
            "mov sp, x0",
            "str x0, [sp]",
            options(noreturn)
        );
    }
}

fn a_stack_pointer_that_is_none(method: StartMethod) {
    let error = error(method, lose_the_stack::call());
    assert_eq!(error.signal(), Some(libc::SIGSEGV));
    assert_eq!(error.crash().unwrap().reason(), "address not mapped");
}

#[worker]
fn crash_with_signals_blocked() {
    let mut all = std::mem::MaybeUninit::uninit();
    // SAFETY: it writes the set that it is given the place of.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    // SAFETY: the set was just written.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, all.as_ptr(), ptr::null_mut()) };
    commit(Deed::ReadFrom(8));
}

fn a_crash_with_all_signals_blocked(method: StartMethod) {
    let error = error(method, crash_with_signals_blocked::call());
    assert_eq!(error.signal(), Some(libc::SIGSEGV));
}

#[worker]
fn crash_in_a_handler() {
    extern "C" fn handle(_: libc::c_int) {
        commit(Deed::ReadFrom(8));
    }
    let handler: extern "C" fn(libc::c_int) = handle;
    // SAFETY: the handler has the right type.
    unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
    commit(Deed::Raise(libc::SIGUSR1));
}

fn a_crash_in_a_signal_handler(method: StartMethod) {
    let error = error(method, crash_in_a_handler::call());
    assert_eq!(error.crash().unwrap().address(), Some(8));
    let expected = [
        "commit",
        "crash_in_a_handler::handle",
        "commit",
        "crash_in_a_handler",
    ];
    check_backtrace(&error, &expected);
}

#[worker]
fn free_twice() {
    // SAFETY: the first two calls are right; the third is the crash, which libc notices.
    unsafe {
        let memory = libc::malloc(40);
        libc::free(memory);
        libc::free(black_box(memory));
    }
}

fn a_crash_in_the_allocator(method: StartMethod) {
    let error = error(method, free_twice::call());
    assert_eq!(error.signal(), Some(libc::SIGABRT));
    let text = error.to_string();
    assert!(
        text.contains(": abort, in `it::crashes::free_twice`"),
        "{text}"
    );
}

#[worker]
fn crash_on_many_threads() {
    std::thread::scope(|scope| {
        for address in 1..20 {
            scope.spawn(move || commit(Deed::ReadFrom(address)));
        }
    });
}

fn several_threads_crash_at_once(method: StartMethod) {
    for _ in 0..5 {
        let error = error(method, crash_on_many_threads::call());
        let told = error.crash().unwrap();
        assert!(
            told.address().is_some_and(|it| (1..20).contains(&it)),
            "{told:?}"
        );
        assert!(told.backtrace().unwrap().contains("commit"));
    }
}

#[worker]
fn handle_crashes() {
    extern "C" fn handle(_: libc::c_int) {
        // SAFETY: a system call that ends the process.
        unsafe { libc::_exit(42) };
    }
    let handler: extern "C" fn(libc::c_int) = handle;
    // SAFETY: the handler has the right type.
    unsafe { libc::signal(libc::SIGSEGV, handler as libc::sighandler_t) };
    commit(Deed::ReadFrom(8));
}

fn a_handler_of_the_workers_is_used(method: StartMethod) {
    let error = handle_crashes::call()
        .start_method(method)
        .run()
        .unwrap_err();
    assert_eq!(error.exit_status().unwrap().code(), Some(42));
    assert!(error.crash().is_none());
}

#[worker]
fn call_what_is_not_allowed() {
    filter_system_call(libc::SYS_getppid, libc::SECCOMP_RET_TRAP);
    // SAFETY: a system call without arguments.
    unsafe { libc::getppid() };
}

fn a_system_call_that_is_not_allowed(method: StartMethod) {
    let error = error(method, call_what_is_not_allowed::call());
    let told = error.crash().unwrap();
    assert_eq!(told.signal(), libc::SIGSYS);
    assert_eq!(told.reason(), "system call not allowed");
    let text = format!("system call not allowed (number {})", libc::SYS_getppid);
    assert!(error.to_string().contains(&text), "{error}");
    check_backtrace(&error, &["call_what_is_not_allowed"]);
}

fn a_signal_from_elsewhere_is_no_crash(method: StartMethod) {
    let process = wait_for_ever::call().start_method(method).spawn().unwrap();
    // It has its handlers when the worker runs, which is not known here.
    std::thread::sleep(Duration::from_millis(50));
    Pidfd::of(process.id()).signal(rustix::process::Signal::SEGV);
    let error = process.join().unwrap_err();
    assert_eq!(error.signal(), Some(libc::SIGSEGV));
    assert!(error.crash().is_none(), "{error}");
}

#[worker]
fn let_a_copy_crash() -> i32 {
    // SAFETY: the copy crashes at once.
    let copy = unsafe { libc::fork() };
    if copy == 0 {
        commit(Deed::ReadFrom(8));
    }
    let mut status = 0;
    // SAFETY: it waits for the copy, and the place is valid.
    unsafe { libc::waitpid(copy, &raw mut status, 0) };
    status
}

fn a_copy_of_a_worker_does_not_speak_for_it(method: StartMethod) {
    let status = let_a_copy_crash::call().start_method(method).run().unwrap();
    assert_eq!(status & 0x7f, libc::SIGSEGV);
}

#[worker]
fn close_all_and_crash() {
    for number in 3..1000 {
        // SAFETY: what is open there is not used any more.
        unsafe { libc::close(number) };
    }
    commit(Deed::ReadFrom(8));
}

fn a_connection_that_is_closed(method: StartMethod) {
    let error = error(method, close_all_and_crash::call());
    assert_eq!(error.signal(), Some(libc::SIGSEGV));
    assert!(error.crash().is_none());
}

fn crash_before() {
    commit(Deed::ReadFrom(8));
}

#[worker(before_worker = crash_before)]
fn is_not_reached() {}

fn a_startup_function_has_crashed(method: StartMethod) {
    let error = error(method, is_not_reached::call());
    check_backtrace(&error, &["commit", "crash_before"]);
}

fn a_task_of_a_pool_has_crashed(method: StartMethod) {
    let pool = Pool::builder()
        .workers(1)
        .start_method(method)
        .stderr(Stdio::null())
        .build()
        .unwrap();
    for deed in [Deed::Abort, Deed::ReadFrom(8)] {
        // With limits of its own, it runs on a thread of its own.
        for call in [crash::call(deed), crash::call(deed).stack_size(1 << 20)] {
            let error = pool.submit(call).wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Signaled);
            check_backtrace(&error, &["commit", "crash"]);
        }
    }
    let error = pool
        .submit(recurse::call(0).stack_size(1 << 20))
        .wait()
        .unwrap_err();
    assert_eq!(error.crash().unwrap().reason(), "stack overflow");
    // A panic is told as ever.
    let error = pool.submit(crash::call(Deed::Panic)).wait().unwrap_err();
    assert!(error.crash().is_none());
    assert_eq!(error.kind(), ErrorKind::Panicked);
}
