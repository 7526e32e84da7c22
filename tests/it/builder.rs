//! The surroundings that a call gives its process.

#![expect(unsafe_code, reason = "the test's own environment is changed")]

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use multiproc::ErrorKind::Spawn;
use multiproc::{Call, StartMethod, Stdio, active_children, startup, worker};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::support::{cases, check, children, returns, wait_for_ever};

cases! {
    the_environment_is_the_parents_but_for_changes
    the_environment_is_the_parents_of_now
    an_environment_that_is_no_text
    an_environment_that_cannot_be
    users_and_groups_that_cannot_be
    numbers_at_the_end_of_what_there_is
    a_start_method_by_the_environment
    the_marker_is_not_there
    the_arguments_are_the_parents
    the_directory_is_the_parents_of_now
    a_directory_of_its_own
    a_directory_that_cannot_be
    pipes
    a_pipe_that_is_not_read
    files
    null_and_inherit
    the_standard_streams_of_std
    streams_of_another_process
    standard_descriptors_that_are_closed
    startup_functions_run_before_the_worker
    a_startup_function_that_panics
    descriptors_are_the_minimal_set
    a_call_that_is_not_started
}

#[worker]
fn environment() -> BTreeMap<String, String> {
    env::vars().collect()
}

fn own_environment() -> BTreeMap<String, String> {
    env::vars().collect()
}

fn the_environment_is_the_parents_but_for_changes(method: StartMethod) {
    let own = own_environment;
    let with = |changes: &[(&str, Option<&str>)]| {
        let mut environment = own();
        for (key, value) in changes {
            match value {
                Some(value) => environment.insert((*key).to_owned(), (*value).to_owned()),
                None => environment.remove(*key),
            };
        }
        environment
    };
    let call = environment::call;
    check(method, call(), returns(own()));
    check(
        method,
        call().env("A", "1").env("B", "").env("C", "ä = ö"),
        returns(with(&[
            ("A", Some("1")),
            ("B", Some("")),
            ("C", Some("ä = ö")),
        ])),
    );
    check(
        method,
        call().env_remove("PATH").env_remove("not there"),
        returns(with(&[("PATH", None)])),
    );
    check(
        method,
        call()
            .env("A", "1")
            .env_remove("A")
            .env_remove("PATH")
            .env("PATH", "x"),
        returns(with(&[("PATH", Some("x"))])),
    );
    let only_b = BTreeMap::from([("B".to_owned(), "2".to_owned())]);
    check(method, call().env_clear(), returns(BTreeMap::new()));
    check(
        method,
        call().env("A", "1").env_clear().env("B", "2"),
        returns(only_b),
    );
}

fn the_environment_is_the_parents_of_now(method: StartMethod) {
    check(method, environment::call(), returns(own_environment()));
    // SAFETY: no other thread of this process looks at the environment.
    unsafe { env::set_var("NEW", "1") };
    check(method, environment::call(), returns(own_environment()));
    // SAFETY: as above.
    unsafe { env::set_var("NEW", "2") };
    check(method, environment::call(), returns(own_environment()));
    // SAFETY: as above.
    unsafe { env::remove_var("NEW") };
    check(method, environment::call(), returns(own_environment()));
}

#[worker]
fn length_of(key: String) -> Option<usize> {
    env::var_os(key).map(|value| value.len())
}

fn an_environment_that_is_no_text(method: StartMethod) {
    let value: OsString = OsStringExt::from_vec(vec![b'x', 0xff, b'=']);
    let call = || length_of::call("NO_TEXT".to_owned());
    check(method, call().env("NO_TEXT", &value), returns(Some(3)));
    // SAFETY: no other thread of this process looks at the environment.
    unsafe { env::set_var("NO_TEXT", &value) };
    check(method, call(), returns(Some(3)));
    check(
        method,
        call().env("NO_TEXT", "x".repeat(100_000)),
        returns(Some(100_000)),
    );
}

fn an_environment_that_cannot_be(method: StartMethod) {
    for (key, value) in [("", "x"), ("A=B", "x"), ("A", "x\0y"), ("A\0B", "x")] {
        let call = length_of::call("A".to_owned()).env(key, value);
        let error = call.start_method(method).spawn().unwrap_err();
        assert_eq!(error.kind(), Spawn, "{error}");
        // One that is taken back is no matter.
        let call = length_of::call("A".to_owned()).env(key, value).env_clear();
        check(method, call, returns(None));
    }
    for place in ["\0", "/\0"] {
        let call = length_of::call("A".to_owned()).current_dir(place);
        assert_eq!(call.start_method(method).spawn().unwrap_err().kind(), Spawn);
    }
    assert!(active_children().is_empty());
}

/// To the system the number means "unchanged", which is the opposite of what such a call is for.
fn users_and_groups_that_cannot_be(method: StartMethod) {
    let call = || length_of::call("A".to_owned()).start_method(method);
    for call in [
        call().uid(u32::MAX),
        call().gid(u32::MAX),
        call().groups([1, u32::MAX]),
        call().uid(1).gid(u32::MAX),
    ] {
        let error = call.spawn().unwrap_err();
        assert_eq!(error.kind(), Spawn, "{error}");
        assert!(error.to_string().contains("4294967295"), "{error}");
        let source = std::error::Error::source(&error).unwrap();
        let source = source.downcast_ref::<io::Error>().unwrap();
        assert_eq!(source.kind(), io::ErrorKind::InvalidInput);
    }
    let initializer = wait_for_ever::call().uid(u32::MAX);
    let built = multiproc::Pool::builder()
        .workers(1)
        .initializer(initializer);
    assert!(built.build().is_err());
    assert!(active_children().is_empty());
}

/// Each does what it says, or is an error.
fn numbers_at_the_end_of_what_there_is(method: StartMethod) {
    let call = || length_of::call("not there".to_owned()).start_method(method);
    for call in [
        call().stack_size(0),
        call().nice(i32::MAX),
        call().timeout(std::time::Duration::MAX),
        call().memory_limit(u64::MAX),
        call().cpu_affinity(0..1000),
    ] {
        assert_eq!(call.run().unwrap(), None);
    }
    for call in [
        call().stack_size(usize::MAX),
        call().stack_size(1 << 60),
        call().cpu_affinity([]),
        call().cpu_affinity([usize::MAX]),
    ] {
        let error = call.run().unwrap_err();
        assert_eq!(error.kind(), Spawn, "{error}");
    }
    let call = wait_for_ever::call().timeout(std::time::Duration::ZERO);
    let error = call.start_method(method).run().unwrap_err();
    assert_eq!(error.kind(), multiproc::ErrorKind::TimedOut, "{error}");
}

fn a_start_method_by_the_environment(method: StartMethod) {
    let name = match method {
        StartMethod::Spawn => "spawn",
        _ => "forkserver",
    };
    let mut methods = Vec::new();
    for name in [None, Some(name), Some("thread"), Some("")] {
        // SAFETY: no other thread of this process looks at the environment.
        unsafe {
            match name {
                Some(name) => env::set_var("MULTIPROC_START_METHOD", name),
                None => env::remove_var("MULTIPROC_START_METHOD"),
            }
        }
        methods.push(length_of::spawn("A".to_owned()).map(|process| process.start_method()));
    }
    let [default, chosen, unknown, empty] = &methods[..] else {
        unreachable!("there are four");
    };
    assert_eq!(*default.as_ref().unwrap(), StartMethod::ForkServer);
    assert_eq!(*chosen.as_ref().unwrap(), method);
    for refused in [unknown, empty] {
        let error = refused.as_ref().unwrap_err();
        assert_eq!(error.kind(), multiproc::ErrorKind::Unsupported);
        assert!(
            error.to_string().contains("MULTIPROC_START_METHOD"),
            "{error}"
        );
    }
}

#[worker]
fn environment_and_that_of_a_program() -> (Option<String>, String) {
    let env = std::process::Command::new("env").output().unwrap();
    (
        env::var("MULTIPROC_CHILD").ok(),
        String::from_utf8_lossy(&env.stdout).into_owned(),
    )
}

fn the_marker_is_not_there(method: StartMethod) {
    for call in [
        environment_and_that_of_a_program::call(),
        environment_and_that_of_a_program::call().env("MULTIPROC_CHILD", "worker:0"),
    ] {
        let (own, program) = call.start_method(method).run().unwrap();
        assert_eq!(own, None);
        assert!(!program.contains("MULTIPROC_CHILD"), "{program}");
    }
}

#[worker]
fn arguments() -> Vec<String> {
    env::args().collect()
}

fn the_arguments_are_the_parents(method: StartMethod) {
    check(method, arguments::call(), returns(env::args().collect()));
}

#[worker]
fn directory() -> PathBuf {
    env::current_dir().unwrap()
}

fn the_directory_is_the_parents_of_now(method: StartMethod) {
    check(
        method,
        directory::call(),
        returns(env::current_dir().unwrap()),
    );
    for place in ["/", "/proc/self", "/tmp"] {
        env::set_current_dir(place).unwrap();
        let place = env::current_dir().unwrap();
        let told = directory::call().start_method(method).run().unwrap();
        if !place.starts_with("/proc") {
            assert_eq!(told, place);
        }
    }
}

fn a_directory_of_its_own(method: StartMethod) {
    let call = directory::call;
    check(method, call().current_dir("/"), returns("/".into()));
    check(
        method,
        call().current_dir("/usr/../usr"),
        returns("/usr".into()),
    );
    env::set_current_dir("/").unwrap();
    check(method, call().current_dir("usr"), returns("/usr".into()));
    check(method, call(), returns("/".into()));
}

fn a_directory_that_cannot_be(method: StartMethod) {
    check(
        method,
        directory::call(),
        returns(env::current_dir().unwrap()),
    );
    let settled = settled();
    for place in ["/no/such/place", "/dev/null", ""] {
        for _ in 0..20 {
            let call = directory::call().start_method(method).current_dir(place);
            let error = call.spawn().unwrap_err();
            assert_eq!(error.kind(), Spawn);
            assert_eq!(error.worker(), Some("directory"));
            assert!(std::error::Error::source(&error).is_some());
            let text = "cannot start a process for worker `directory`: ";
            assert!(error.to_string().starts_with(text), "{error}");
        }
    }
    assert!(active_children().is_empty());
    check(
        method,
        directory::call(),
        returns(env::current_dir().unwrap()),
    );
    settled.check();
}

/// How many children there are when no worker runs.
struct Settled(usize);

fn settled() -> Settled {
    Settled(children().len())
}

impl Settled {
    /// There come to be no more than there were; those that end need their time.
    fn check(&self) {
        while children().len() > self.0 {
            std::thread::yield_now();
        }
    }
}

#[worker]
fn copy_lines(times: usize) -> usize {
    let mut lines = 0;
    for line in io::stdin().lines() {
        let line = line.unwrap();
        for _ in 0..times {
            println!("out {line}");
            eprintln!("err {line}");
        }
        lines += 1;
    }
    lines
}

fn pipes(method: StartMethod) {
    let mut process = copy_lines::call(1)
        .start_method(method)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert_eq!(process.start_method(), method);
    let (mut out, mut err) = (String::new(), String::new());
    let mut stdin = process.take_stdin().unwrap();
    let mut stdout = process.take_stdout().unwrap();
    let mut stderr = process.take_stderr().unwrap();
    assert!(process.take_stdout().is_none());
    assert!(process.take_stderr().is_none());
    stdin.write_all(b"a\nb\n").unwrap();
    drop(stdin);
    stdout.read_to_string(&mut out).unwrap();
    stderr.read_to_string(&mut err).unwrap();
    assert_eq!(process.join().unwrap(), 2);
    assert_eq!((&*out, &*err), ("out a\nout b\n", "err a\nerr b\n"));
}

/// The child finds its pipe closed, and is not killed by that.
fn a_pipe_that_is_not_read(method: StartMethod) {
    #[worker]
    fn write_for_ever() -> String {
        loop {
            if let Err(error) = io::stdout().write_all(&[b'x'; 4096]) {
                return format!("{:?}", error.kind());
            }
        }
    }
    let mut process = write_for_ever::call()
        .start_method(method)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(process.take_stdout());
    assert_eq!(process.join().unwrap(), "BrokenPipe");
}

fn file(text: &str) -> File {
    let mut file = File::from(memfd_create("test", MemfdFlags::CLOEXEC).unwrap());
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    file
}

fn text_of(mut file: File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

fn files(method: StartMethod) {
    let (input, out, err) = (file("a\nb\nc"), file(""), file(""));
    let call = copy_lines::call(1)
        .stdin(input)
        .stdout(out.try_clone().unwrap())
        .stderr(err.try_clone().unwrap());
    check(method, call, returns(3));
    assert_eq!(text_of(out), "out a\nout b\nout c\n");
    assert_eq!(text_of(err), "err a\nerr b\nerr c\n");
    // One file for both.
    let both = file("");
    let call = copy_lines::call(1)
        .stdin(file("a"))
        .stdout(both.try_clone().unwrap())
        .stderr(both.try_clone().unwrap());
    check(method, call, returns(1));
    assert_eq!(text_of(both), "out a\nerr a\n");
}

#[worker]
fn streams() -> Vec<PathBuf> {
    (0..3)
        .map(|number| fs::read_link(format!("/proc/self/fd/{number}")).unwrap())
        .collect()
}

fn null_and_inherit(method: StartMethod) {
    let own = streams();
    let null = || PathBuf::from("/dev/null");
    check(method, streams::call(), returns(own.clone()));
    let call = streams::call().stdin(Stdio::null()).stdout(Stdio::null());
    check(method, call, returns(vec![null(), null(), own[2].clone()]));
    let call = streams::call()
        .stdin(Stdio::inherit())
        .stdout(Stdio::inherit())
        .stderr(Stdio::null());
    check(
        method,
        call,
        returns(vec![own[0].clone(), own[1].clone(), null()]),
    );
}

/// These cannot be looked into, so such a child is started by re-execution.
fn the_standard_streams_of_std(method: StartMethod) {
    let run = |call: Call<'_, usize>| {
        let process = call.start_method(method).spawn().unwrap();
        assert_eq!(process.start_method(), StartMethod::Spawn);
        process
    };
    let (out, err) = (file(""), file(""));
    let process = run(copy_lines::call(2)
        .stdin(file("a"))
        .stdout(std::process::Stdio::from(out.try_clone().unwrap()))
        .stderr(err.try_clone().unwrap()));
    assert_eq!(process.join().unwrap(), 1);
    assert_eq!(text_of(out), "out a\nout a\n");
    assert_eq!(text_of(err), "err a\nerr a\n");

    let mut process = run(copy_lines::call(1)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null()));
    process.take_stdin().unwrap().write_all(b"x\ny\n").unwrap();
    let mut text = String::new();
    let mut stdout = process.take_stdout().unwrap();
    stdout.read_to_string(&mut text).unwrap();
    assert!(process.take_stderr().is_none());
    assert_eq!(process.join().unwrap(), 2);
    assert_eq!(text, "out x\nout y\n");

    // Standard error becomes standard output, which no descriptor of the caller's says.
    let process = run(copy_lines::call(1)
        .stdin(std::process::Stdio::null())
        .stdout(io::stderr())
        .stderr(io::stdout()));
    assert_eq!(process.join().unwrap(), 0);
}

fn streams_of_another_process(method: StartMethod) {
    let mut first = copy_lines::call(1)
        .start_method(method)
        .stdin(file("a\nb"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let second = copy_lines::call(1)
        .start_method(method)
        .stdin(first.take_stdout().unwrap())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!((first.join().unwrap(), second.join().unwrap()), (2, 2));
}

/// A parent without standard streams, whose lowest descriptors are anything.
fn standard_descriptors_that_are_closed(method: StartMethod) {
    #[worker]
    fn open_descriptors() -> Vec<bool> {
        (0..3)
            .map(|number| Path::new(&format!("/proc/self/fd/{number}")).exists())
            .collect()
    }
    let saved = Restore([0, 1, 2].map(|number| {
        // SAFETY: the standard streams are open.
        let stream = unsafe { BorrowedFd::borrow_raw(number) };
        stream.try_clone_to_owned().unwrap()
    }));
    let told = File::from(saved.0[2].try_clone().unwrap());
    std::panic::set_hook(Box::new(move |panic| writeln!(&told, "{panic}").unwrap()));
    for number in [0, 1, 2] {
        // SAFETY: nobody uses the standard streams until they are restored, and std knows that
        // they may be closed.
        unsafe { libc::close(number) };
    }
    for _ in 0..3 {
        check(method, open_descriptors::call(), returns(vec![true; 3]));
        let mut process = copy_lines::call(1)
            .start_method(method)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        process.take_stdin().unwrap().write_all(b"x\n").unwrap();
        assert_eq!(process.join().unwrap(), 1);
        let call = open_descriptors::call().stdout(std::process::Stdio::null());
        assert_eq!(call.start_method(method).run().unwrap(), [true; 3]);
    }
    drop(saved);
}

/// Opens the standard streams again when dropped.
struct Restore([OwnedFd; 3]);

impl Drop for Restore {
    fn drop(&mut self) {
        let [stdin, stdout, stderr] = &self.0;
        rustix::stdio::dup2_stdin(stdin).unwrap();
        rustix::stdio::dup2_stdout(stdout).unwrap();
        rustix::stdio::dup2_stderr(stderr).unwrap();
    }
}

static STARTED_UP: AtomicU32 = AtomicU32::new(0);

#[startup]
fn note_that_it_ran() {
    STARTED_UP.fetch_add(1, Ordering::Relaxed);
    assert_ne!(env::var("STARTUP").as_deref(), Ok("panic"), "told to");
}

#[worker]
fn started_up() -> (u32, Option<String>) {
    (
        STARTED_UP.load(Ordering::Relaxed),
        multiproc::current().map(|it| it.name().to_owned()),
    )
}

fn startup_functions_run_before_the_worker(method: StartMethod) {
    for _ in 0..3 {
        let call = started_up::call().name("x");
        check(method, call, returns((1, Some("x".to_owned()))));
    }
    assert_eq!(started_up(), (0, None));
}

fn a_startup_function_that_panics(method: StartMethod) {
    let error = started_up::call()
        .start_method(method)
        .env("STARTUP", "panic")
        .stderr(Stdio::null())
        .run()
        .unwrap_err();
    assert_eq!(error.kind(), multiproc::ErrorKind::Panicked);
    assert!(error.panic().unwrap().message().contains("told to"));
    assert_eq!(error.panic().unwrap().location().unwrap().file(), file!());
}

#[worker]
fn open_descriptors() -> Vec<String> {
    let mut links: Vec<_> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter_map(|entry| Some((entry.file_name(), fs::read_link(entry.path()).ok()?)))
        .map(|(number, link)| match number.to_str() {
            Some(number @ ("0" | "1" | "2")) => number.to_owned(),
            // `socket:[1234]`: what it is, and not which.
            _ => link
                .to_string_lossy()
                .split(":[")
                .next()
                .unwrap_or_default()
                .to_owned(),
        })
        // The list itself.
        .filter(|link| !link.starts_with("/proc/"))
        .collect();
    links.sort();
    links
}

fn descriptors_are_the_minimal_set(method: StartMethod) {
    // What this process was given on purpose is not the library's business.
    for entry in fs::read_dir("/proc/self/fd").unwrap() {
        let number = entry
            .unwrap()
            .file_name()
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        if number > 2 {
            // SAFETY: it is open, as it was just listed.
            let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
            rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC).unwrap();
        }
    }
    // Things that children have no business with.
    let _files: Vec<_> = (0..20).map(|_| file("private")).collect();
    let _pipe = io::pipe().unwrap();
    let _others: Vec<_> = (0..3)
        .map(|_| {
            let call = wait_for_ever::call().start_method(method);
            call.stdin(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let five: Vec<_> = (0..5)
        .map(|_| {
            open_descriptors::call()
                .start_method(method)
                .spawn()
                .unwrap()
        })
        .collect();
    for one in five {
        // The parent's pidfd; the connection, once to send and once to wait for its end.
        let expected = ["0", "1", "2", "anon_inode", "socket", "socket"];
        assert_eq!(one.join().unwrap(), expected);
    }
}

fn a_call_that_is_not_started(method: StartMethod) {
    let call = environment::call().name("never").start_method(method);
    assert!(format!("{call:?}").contains("never"));
    drop(call);
    assert!(active_children().is_empty());
}
