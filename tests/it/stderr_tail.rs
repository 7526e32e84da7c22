//! The last of what a worker writes to its standard error.

#![expect(unsafe_code, reason = "workers make mistakes of C")]

use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read, Seek, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use multiproc::{Call, ErrorKind, Pool, StartMethod, Stdio, worker};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::support::{cases, children, descriptors, threads};

cases! {
    last_words_are_in_the_error
    all_arrives_where_it_would_have_gone
    what_the_c_library_prints_is_among_it
    a_place_that_takes_no_more
    a_place_that_is_gone
    a_pipe_that_the_program_reads
    streams_of_the_parent
    what_lives_on_holds_nothing_up
    a_worker_that_writes_elsewhere
    what_cannot_be_looked_into
    options_of_others
    nothing_is_left_behind
}

fn file() -> File {
    File::from(memfd_create("test", MemfdFlags::CLOEXEC).unwrap())
}

fn text_of(mut file: File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

#[worker]
fn say_and(text: &str, end: &str) -> usize {
    io::stderr().write_all(text.as_bytes()).unwrap();
    match end {
        "return" => text.len(),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(3),
        "panic" => panic!("as it should"),
        _ => loop {
            std::thread::park();
        },
    }
}

fn last_words_are_in_the_error(method: StartMethod) {
    for (end, kind, more) in [
        ("abort", ErrorKind::Signaled, ""),
        ("exit", ErrorKind::Exited, ""),
        (
            "panic",
            ErrorKind::Panicked,
            "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n",
        ),
        ("wait", ErrorKind::TimedOut, ""),
    ] {
        let err = file();
        let call = say_and::call("one\ntwo\n", end)
            .start_method(method)
            .stderr(err.try_clone().unwrap())
            .timeout(match end {
                "wait" => Duration::from_secs(3),
                _ => Duration::from_secs(60),
            })
            .stderr_tail(1000);
        let error = call.run().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        let tail = error.stderr_tail().unwrap();
        assert!(
            tail.starts_with("one\ntwo\n") && tail.ends_with(more),
            "{tail}"
        );
        // It had arrived when the error was there.
        assert_eq!(text_of(err), tail);
        assert!(!error.to_string().contains("two"), "{error}");
        assert!(format!("{error:#?}").contains(r#""one\ntwo\n"#));
    }
    let without = [
        say_and::call("text", "exit"),
        say_and::call("text", "exit").stderr_tail(10).stderr_tail(0),
        say_and::call("", "exit").stderr_tail(10),
    ];
    for call in without {
        let error = call
            .start_method(method)
            .stderr(Stdio::null())
            .run()
            .unwrap_err();
        assert_eq!(error.stderr_tail(), None);
    }
}

fn all_arrives_where_it_would_have_gone(method: StartMethod) {
    // More than any pipe holds.
    let text: String = (0..200_000)
        .map(|number| format!("line {number}\n"))
        .collect();
    for end in ["return", "abort"] {
        let err = file();
        let call = say_and::call(&text, end)
            .start_method(method)
            .stderr(err.try_clone().unwrap())
            .stderr_tail(25);
        match call.run() {
            Ok(length) => assert_eq!(length, text.len()),
            Err(error) => {
                assert_eq!(error.stderr_tail(), Some("\nline 199998\nline 199999\n"));
            }
        }
        assert!(text_of(err) == text, "{end}");
    }
    let call = say_and::call(&text, "exit")
        .stderr(Stdio::null())
        .stderr_tail(12);
    let error = call.start_method(method).run().unwrap_err();
    assert_eq!(error.stderr_tail(), Some("line 199999\n"));
}

#[worker]
fn free_twice() {
    // SAFETY: none: this is the mistake.
    unsafe {
        let place = black_box(libc::malloc(100));
        libc::free(place);
        libc::free(black_box(place));
    }
}

fn what_the_c_library_prints_is_among_it(method: StartMethod) {
    let call = free_twice::call().stderr(Stdio::null()).stderr_tail(1000);
    let error = call.start_method(method).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Signaled, "{error}");
    let tail = error.stderr_tail().unwrap_or_default();
    assert!(tail.contains("double free"), "{tail:?}");
}

#[worker]
fn count_for_ever() {
    for number in 0_u64.. {
        let _ = writeln!(io::stderr(), "{number}");
    }
}

fn a_place_that_takes_no_more(method: StartMethod) {
    let (mut reader, writer) = io::pipe().unwrap();
    let process = count_for_ever::call()
        .start_method(method)
        .stderr(writer)
        .stderr_tail(100)
        .spawn()
        .unwrap();
    // A full pipe has 16 pages, each of which is used by half at least: what does not fit behind a piece is
    // given a page of its own (Linux, `pipe_write`).
    while rustix::io::ioctl_fionread(&reader).unwrap() < 16 * 2048 {
        std::thread::yield_now();
    }
    // Others are passed on meanwhile.
    let err = file();
    let call = say_and::call("text", "exit").stderr(err.try_clone().unwrap());
    let error = call
        .start_method(method)
        .stderr_tail(100)
        .run()
        .unwrap_err();
    assert_eq!(error.stderr_tail(), Some("text"));
    assert_eq!(text_of(err), "text");

    process.kill();
    let error = process.join().unwrap_err();
    let tail = error.stderr_tail().unwrap();
    assert_eq!(tail.len(), 100);
    // Nothing is lost that it has written.
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert!(text.ends_with(tail));
    let lines = text.lines().zip(0..);
    assert!(
        lines
            .into_iter()
            .all(|(line, number)| number.to_string().starts_with(line))
    );
}

fn a_place_that_is_gone(method: StartMethod) {
    // SAFETY: there is no handler that code would have to suit.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let text = "a line\n".repeat(100_000);
    let call = say_and::call(&text, "exit").stderr(writer).stderr_tail(7);
    let error = call.start_method(method).run().unwrap_err();
    assert_eq!(error.exit_status().unwrap().code(), Some(3), "{error}");
    assert_eq!(error.stderr_tail(), Some("a line\n"));
}

fn a_pipe_that_the_program_reads(method: StartMethod) {
    let text = "a line\n".repeat(100_000);
    let mut process = say_and::call(&text, "exit")
        .start_method(method)
        .stderr(Stdio::piped())
        .stderr_tail(7)
        .spawn()
        .unwrap();
    let mut stderr = process.take_stderr().unwrap();
    assert!(process.take_stderr().is_none());
    let mut read = String::new();
    stderr.read_to_string(&mut read).unwrap();
    assert!(read == text);
    assert_eq!(process.join().unwrap_err().stderr_tail(), Some("a line\n"));
}

/// Which streams these are, the other test programs see; here they are pipes.
fn streams_of_the_parent(method: StartMethod) {
    for stream in [Stdio::inherit(), io::stdout().into(), io::stderr().into()] {
        let call = say_and::call("to be seen\n", "exit").stderr(stream);
        let error = call
            .start_method(method)
            .stderr_tail(100)
            .run()
            .unwrap_err();
        assert_eq!(error.stderr_tail(), Some("to be seen\n"));
    }
    // One that is closed is nowhere.
    let saved = rustix::io::fcntl_dupfd_cloexec(io::stderr(), 3).unwrap();
    // SAFETY: nothing is written to it until it is there again.
    unsafe { libc::close(2) };
    let call = say_and::call("not to be seen\n", "exit");
    let error = call
        .start_method(method)
        .stderr_tail(100)
        .run()
        .unwrap_err();
    rustix::stdio::dup2_stderr(&saved).unwrap();
    assert_eq!(error.stderr_tail(), Some("not to be seen\n"));
}

#[worker]
fn leave_something_behind() {
    eprint!("early");
    let mut command = Command::new("sh");
    command.args(["-c", "read line; printf late >&2"]);
    command.stdout(std::process::Stdio::null()).spawn().unwrap();
    std::process::exit(3);
}

fn what_lives_on_holds_nothing_up(method: StartMethod) {
    let (mut reader, writer) = io::pipe().unwrap();
    let mut process = leave_something_behind::call()
        .start_method(method)
        .stdin(Stdio::piped())
        .stderr(writer)
        .stderr_tail(100)
        .spawn()
        .unwrap();
    let mut stdin = process.take_stdin().unwrap();
    let error = process.join().unwrap_err();
    assert_eq!(error.stderr_tail(), Some("early"));
    stdin.write_all(b"now\n").unwrap();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "earlylate");
}

#[worker]
fn write_elsewhere(closes: bool) {
    eprint!("here");
    if closes {
        // SAFETY: nothing is written to it.
        unsafe { libc::close(2) };
    } else {
        let null = File::options().write(true).open("/dev/null").unwrap();
        rustix::stdio::dup2_stderr(null).unwrap();
        eprint!("elsewhere");
    }
    std::process::exit(3);
}

fn a_worker_that_writes_elsewhere(method: StartMethod) {
    for closes in [false, true] {
        let call = write_elsewhere::call(closes).stderr(Stdio::null());
        let error = call
            .start_method(method)
            .stderr_tail(100)
            .run()
            .unwrap_err();
        assert_eq!(error.stderr_tail(), Some("here"));
    }
}

fn what_cannot_be_looked_into(method: StartMethod) {
    let opaque = std::process::Stdio::null;
    let call = say_and::call("text", "exit").start_method(method);
    let error = call.stderr(opaque()).stderr_tail(9).spawn().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("`std::process::Stdio`"),
        "{error}"
    );
    // The other streams may be.
    let call = say_and::call("text", "exit")
        .stdin(opaque())
        .stdout(opaque());
    let call = call
        .start_method(method)
        .stderr(Stdio::null())
        .stderr_tail(9);
    assert_eq!(call.run().unwrap_err().stderr_tail(), Some("text"));
}

fn options_of_others(method: StartMethod) {
    let call = || say_and::call("text", "exit").stderr_tail(9);
    let pool = Pool::builder()
        .workers(1)
        .start_method(method)
        .build()
        .unwrap();
    let error = pool.submit(call()).wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("`PoolBuilder::stderr_tail`"),
        "{error}"
    );
    drop(pool);
    let portable = call().start_method(method).portable().unwrap();
    let error = portable.call().run().unwrap_err();
    assert_eq!(error.stderr_tail(), Some("text"));
}

fn nothing_is_left_behind(method: StartMethod) {
    let run = || {
        let (mut reader, writer) = io::pipe().unwrap();
        let call = say_and::call("text", "abort")
            .start_method(method)
            .stderr(writer);
        let call: Call<'_, usize> = call.stderr_tail(1 << 20);
        assert_eq!(call.run().unwrap_err().stderr_tail(), Some("text"));
        reader.read_to_string(&mut String::new()).unwrap();
    };
    for _ in 0..5 {
        run();
    }
    // The fork server and a spare, which may still be on its way.
    while method == StartMethod::ForkServer && children().len() < 2 {
        std::thread::yield_now();
    }
    let settled = || (descriptors(), threads(), children().len());
    let before = settled();
    for _ in 0..100 {
        run();
    }
    let begin = Instant::now();
    while settled() != before {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "{before:?} {:?}",
            settled()
        );
        std::thread::yield_now();
    }
}
