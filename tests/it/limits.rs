//! Processes that run out of descriptors, and other places that are no good.

#![expect(unsafe_code, reason = "the test's own environment is changed")]

use std::fs::File;
use std::os::fd::OwnedFd;
use std::thread;

use multiproc::ErrorKind::{Decode, Encode, Exited, Spawn};
use multiproc::{Fd, StartMethod, Stdio, active_children, worker};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{cases, check, children, descriptors, returns, wait_for_ever};

cases! {
    few_descriptors
    any_number_of_descriptors_left
    few_descriptors_when_results_come
    no_descriptors_from_the_beginning
    few_descriptors_in_the_child
    many_descriptors_to_a_child_with_few
    short_files
    no_temporary_directory
    a_long_temporary_directory
}

#[worker]
fn double(bytes: Vec<u8>) -> Vec<u8> {
    [&bytes[..], &bytes[..]].concat()
}

/// How many descriptors this process may have.
fn limit(descriptors: u64) {
    let limit = Rlimit {
        current: Some(descriptors),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// Opens files until no more can be opened.
fn use_up_descriptors() -> Vec<File> {
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

#[track_caller]
fn check_refused<R>(result: multiproc::Result<R>) {
    let Err(error) = result else {
        panic!("there is nothing left to start it with");
    };
    assert_eq!(error.kind(), Spawn, "{error}");
    assert!(
        error
            .to_string()
            .ends_with("Too many open files (os error 24)"),
        "{error}"
    );
}

fn few_descriptors(method: StartMethod) {
    limit(32);
    for _ in 0..3 {
        let mut processes = Vec::new();
        let refused = loop {
            match wait_for_ever::call().start_method(method).spawn() {
                Ok(process) => processes.push(process),
                Err(error) => break error,
            }
        };
        check_refused::<()>(Err(refused));
        assert!(!processes.is_empty());
        assert!(processes.len() < 32);
        // Those that are there can be joined without a descriptor more.
        for process in processes {
            process.kill();
            let error = process.join().unwrap_err();
            assert_eq!(error.signal(), Some(libc::SIGKILL));
        }
        assert!(active_children().is_empty());
        check(
            method,
            double::call(vec![1; 100_000]),
            returns(vec![1; 200_000]),
        );
    }
}

fn any_number_of_descriptors_left(method: StartMethod) {
    for length in [10, 300_000] {
        let bytes = vec![1; length];
        let call = || double::call(bytes.clone()).start_method(method);
        assert_eq!(call().run().unwrap().len(), 2 * length);
        limit(60);
        for left in 0..30 {
            let mut files = use_up_descriptors();
            files.truncate(files.len().saturating_sub(left));
            match call().stdout(Stdio::null()).spawn() {
                Err(error) => check_refused::<()>(Err(error)),
                // What could be started may fail to get its result through, but says so.
                Ok(process) => match process.join() {
                    Ok(result) => assert_eq!(result.len(), 2 * length),
                    Err(error) => assert_eq!(error.kind(), Decode, "{error}"),
                },
            }
            drop(files);
            // What was refused then is no matter now.
            check(
                method,
                double::call(bytes.clone()),
                returns(vec![1; 2 * length]),
            );
        }
    }
    // The fork server and its spare.
    while children().len() > 2 {
        thread::yield_now();
    }
}

#[worker]
fn wait_and_give(mut pipe: Fd<std::io::PipeReader>, length: usize) -> Vec<u8> {
    std::io::Read::read_to_end(&mut *pipe, &mut Vec::new()).unwrap();
    vec![1; length]
}

/// The results come when nothing is left to take them with, and several threads want them.
fn few_descriptors_when_results_come(method: StartMethod) {
    for length in [10, 10 << 20] {
        for joins in [true, false] {
            let (reader, writer) = std::io::pipe().unwrap();
            let processes: Vec<_> = (0..8)
                .map(|_| {
                    let reader = Fd::new(reader.try_clone().unwrap());
                    let call = wait_and_give::call(reader, length);
                    call.start_method(method).spawn().unwrap()
                })
                .collect();
            limit(100);
            let files = use_up_descriptors();
            let join = |process: multiproc::Process<Vec<u8>>| match process.join() {
                Ok(bytes) => assert_eq!(bytes.len(), length),
                Err(error) => {
                    assert_eq!(error.kind(), Decode, "{error}");
                    assert!(error.to_string().contains("Too many open files"), "{error}");
                }
            };
            thread::scope(|scope| {
                let writer = if joins {
                    Some(writer)
                } else {
                    drop(writer);
                    None
                };
                for process in processes {
                    scope.spawn(move || join(process));
                }
                drop(writer);
            });
            drop(files);
            assert!(active_children().is_empty());
        }
    }
    check(
        method,
        double::call(vec![1; 300_000]),
        returns(vec![1; 600_000]),
    );
}

/// Not even the first call finds any.
fn no_descriptors_from_the_beginning(method: StartMethod) {
    limit(60);
    let mut files = use_up_descriptors();
    loop {
        match double::call(vec![1; 10]).start_method(method).run() {
            Ok(result) => break assert_eq!(result, [1; 20]),
            Err(error) if error.kind() == Decode => {}
            Err(error) => check_refused::<()>(Err(error)),
        }
        assert!(files.pop().is_some(), "it takes too much");
    }
    drop(files);
    check(
        method,
        double::call(vec![1; 300_000]),
        returns(vec![1; 600_000]),
    );
    check(method, wait_free::call(), returns(7));
}

#[worker]
fn wait_free() -> u32 {
    7
}

#[worker]
fn give_without_descriptors(
    length: usize,
    with: Option<Fd<File>>,
) -> (Vec<u8>, Option<Fd<OwnedFd>>) {
    limit(40);
    std::mem::forget(use_up_descriptors());
    (
        vec![1; length],
        with.map(|file| Fd::new(OwnedFd::from(file.into_inner()))),
    )
}

fn few_descriptors_in_the_child(method: StartMethod) {
    for length in [10, 300_000, 10 << 20] {
        for with_file in [false, true] {
            let file = with_file.then(|| Fd::new(File::open("/dev/null").unwrap()));
            let call = give_without_descriptors::call(length, file);
            match call.start_method(method).run() {
                Ok((bytes, _)) => assert_eq!(bytes.len(), length),
                Err(error) => {
                    assert_eq!(error.kind(), Encode, "{error}");
                    assert!(error.to_string().contains("Too many open files"), "{error}");
                }
            }
        }
    }
}

#[worker]
fn count(files: Vec<Fd<File>>) -> usize {
    files.len()
}

fn many_descriptors_to_a_child_with_few(method: StartMethod) {
    limit(1000);
    let files = |number| {
        (0..number)
            .map(|_| Fd::new(File::open("/dev/null").unwrap()))
            .collect()
    };
    for number in [0, 1, 64, 65, 300] {
        check(method, count::call(files(number)), returns(number));
    }
    // The child inherits the limit, and has other descriptors too.
    let some: Vec<_> = files(60);
    limit(80 + u64::try_from(descriptors()).unwrap());
    match count::call(some).start_method(StartMethod::Spawn).run() {
        Ok(number) => assert_eq!(number, 60),
        Err(error) => assert!(matches!(error.kind(), Spawn | Decode | Exited), "{error}"),
    }
}

/// Beyond this limit the kernel sends a deadly signal. It counts shared memory, too.
fn short_files(method: StartMethod) {
    for length in [0, 1, 4, 32, 63, 64].map(|kibibytes| kibibytes << 10) {
        let limit = Rlimit {
            current: Some(length),
            ..getrlimit(Resource::Fsize)
        };
        setrlimit(Resource::Fsize, limit).unwrap();
        let call = || double::call(vec![1; 300_000]).start_method(method);
        let process = call().spawn().unwrap();
        // What the fork server and its parent share is a page.
        assert!(length < 4096 || process.start_method() == method);
        assert_eq!(process.join().unwrap().len(), 600_000);
        match multiproc::Pool::builder().workers(1).build() {
            Ok(pool) => assert_eq!(pool.submit(wait_free::call()).wait().unwrap(), 7),
            Err(error) => {
                assert_eq!(error.kind(), Spawn, "{error}");
                assert!(error.to_string().contains("ulimit -f"), "{error}");
            }
        }
    }
}

/// Nothing needs one.
fn no_temporary_directory(method: StartMethod) {
    temporary_directory(method, "/no/such/directory");
    temporary_directory(method, "");
    temporary_directory(method, "/dev/null");
}

fn a_long_temporary_directory(method: StartMethod) {
    let place = std::env::temp_dir().join("x".repeat(120));
    std::fs::create_dir_all(&place).unwrap();
    temporary_directory(method, place.to_str().unwrap());
    assert_eq!(std::fs::read_dir(&place).unwrap().count(), 0);
    // Another test may be there at the same time.
    let _ = std::fs::remove_dir(&place);
}

fn temporary_directory(method: StartMethod, place: &str) {
    // SAFETY: no other thread of this process looks at the environment.
    unsafe { std::env::set_var("TMPDIR", place) };
    for length in [10, 300_000] {
        check(
            method,
            double::call(vec![1; length]),
            returns(vec![1; 2 * length]),
        );
    }
}
