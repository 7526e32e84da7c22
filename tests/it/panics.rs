//! What is told of a worker that panics.

use std::hint::black_box;
use std::io::Read;

use multiproc::{Call, Pool, RemoteError, StartMethod, Stdio, worker};

use crate::support::cases;

cases! {
    a_backtrace_has_the_functions_of_the_user
    a_message_of_several_lines
}

/// Where the error and the standard error say a worker was when it panicked.
fn backtraces(method: StartMethod, call: Call<'_, ()>, wanted: &str) -> [String; 2] {
    let call = call.env("RUST_BACKTRACE", wanted).start_method(method);
    let mut process = call.stderr(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    let mut stderr = process.take_stderr().unwrap();
    stderr.read_to_string(&mut text).unwrap();
    let error = process.join().unwrap_err();
    [error.backtrace().unwrap().to_owned(), text]
}

#[worker]
fn panics() {
    panic!("boom");
}

#[worker]
fn unwraps() {
    let nothing: Option<()> = black_box(None);
    nothing.unwrap();
}

fn panic_before() {
    unwraps();
}

#[worker(before_worker = panic_before)]
fn is_not_reached() {}

fn a_backtrace_has_the_functions_of_the_user(method: StartMethod) {
    let functions = |backtrace: &str| {
        let functions = backtrace.lines().filter_map(|line| line.split_once(": "));
        let functions = functions.map(|(_, function)| function.to_owned());
        functions.collect::<Vec<_>>()
    };
    let [told, printed] = backtraces(method, panics::call(), "1");
    assert_eq!(functions(&told), ["it::panics::panics"], "{told}");
    assert!(printed.contains(": it::panics::panics\n"), "{printed}");
    assert!(!printed.contains("multiproc::dispatch::panic"), "{printed}");
    let [told, _] = backtraces(method, unwraps::call(), "1");
    // Where there is debug information, functions that were inlined have a name, and no path.
    let told_of = functions(&told);
    assert_eq!(told_of[0], "core::option::unwrap_failed", "{told}");
    assert!(told_of.last().unwrap().ends_with("unwraps"), "{told}");
    assert!(told_of.len() <= 3, "{told}");
    let [told, _] = backtraces(method, is_not_reached::call(), "1");
    let told_of = functions(&told);
    assert!(
        told_of.iter().any(|it| it.ends_with("panic_before")),
        "{told}"
    );
    assert!(!told.contains("multiproc::"), "{told}");

    let [told, printed] = backtraces(method, panics::call(), "full");
    for text in [told, printed] {
        assert!(text.contains(" - it::panics::panics"), "{text}");
        assert!(text.contains(" - multiproc::dispatch::"), "{text}");
    }
}

#[worker]
fn panics_with(message: &str) {
    panic!("{message}");
}

/// Where the line above is.
const PANIC_WITH: u32 = line!() - 4;

fn a_message_of_several_lines(method: StartMethod) {
    let pool = Pool::builder().workers(1).start_method(method);
    let pool = pool.stderr(Stdio::null()).build().unwrap();
    let place = format!("at {}:{PANIC_WITH}:5", file!());
    for (message, text) in [
        ("boom", format!("boom, {place}")),
        ("boom\n", format!("boom, {place}")),
        ("first\n  second", format!("first\n  second\n{place}")),
        ("first\n\nlast\n", format!("first\n\nlast\n{place}")),
    ] {
        let call = || panics_with::call(message);
        let alone = call().start_method(method).stderr(Stdio::null()).run();
        let mut map = pool.map(panics_with::call, [message]);
        let text = format!("worker `panics_with` panicked: {text}");
        for (error, begin) in [
            (alone.unwrap_err(), ""),
            (pool.submit(call()).wait().unwrap_err(), ""),
            (map.next().unwrap().unwrap_err(), "input 0: "),
        ] {
            assert_eq!(error.to_string(), format!("{begin}{text}"));
            assert_eq!(format!("{error:?}"), format!("{begin}{text}"));
            assert_eq!(error.panic().unwrap().message(), message);
            // In an error of the caller's own.
            let remote = RemoteError::from(error);
            assert_eq!(remote.to_string(), format!("{begin}{text}"));
        }
    }
}
