//! Closures and function pointers in processes.

use std::collections::BTreeMap;

use multiproc::channel::channel;
use multiproc::sync::Mutex;
use multiproc::{ErrorKind, RemoteError, StartMethod};
use serde::{Deserialize, Serialize};

use crate::images::{check_output, library};
use crate::support::{cases, check, program, returns, with_method};

cases! {
    closures_with_arguments_of_every_kind
    functions_that_are_chosen_at_run_time
    closures_of_generic_functions
    closures_that_do_the_same
    closures_with_handles
    closures_that_call_closures
    closures_are_named_after_their_place
    closures_that_give_no_value
    a_function_of_a_library
    results_of_the_closures_own
    types_that_mean_something_in_one_process
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Job {
    name: String,
    sizes: Vec<u64>,
}

fn closures_with_arguments_of_every_kind(method: StartMethod) {
    check(method, multiproc::call(7, |x| x + 1), returns(8));
    check(method, multiproc::call((), |()| 'x'), returns('x'));
    check(
        method,
        multiproc::call((3, "x".to_owned()), |(times, text)| text.repeat(times)),
        returns("xxx".to_owned()),
    );
    let job = Job {
        name: "one".to_owned(),
        sizes: vec![1; 100_000],
    };
    check(
        method,
        multiproc::call(job.clone(), |Job { name, mut sizes }| {
            sizes.pop();
            Job { name, sizes }
        }),
        returns(Job {
            sizes: vec![1; 99_999],
            ..job
        }),
    );
}

fn double(x: u64) -> u64 {
    x * 2
}

fn functions_that_are_chosen_at_run_time(method: StartMethod) {
    let functions: BTreeMap<&str, fn(u64) -> u64> = BTreeMap::from([
        ("double", double as _),
        ("triple", (|x: u64| x * 3) as _),
        ("std's", u64::isqrt as _),
    ]);
    for (name, expected) in [("double", 18), ("triple", 27), ("std's", 3)] {
        check(
            method,
            multiproc::call(9, functions[name]),
            returns(expected),
        );
    }
}

fn closures_of_generic_functions(method: StartMethod) {
    fn largest<T>(method: StartMethod, values: Vec<T>, expected: Option<T>)
    where
        T: Ord + std::fmt::Debug + Serialize + for<'de> Deserialize<'de> + 'static,
    {
        let call = multiproc::call(values, |values: Vec<T>| values.into_iter().max());
        check(method, call, returns(expected));
    }
    largest(method, vec![1, 3, 2], Some(3));
    largest(method, vec!['b', 'a'], Some('b'));
    largest::<String>(method, vec![], None);
}

/// Those may be one function in the program, depending on how it was built.
fn closures_that_do_the_same(method: StartMethod) {
    check(method, multiproc::call(7_u64, |x| x * 5), returns(35));
    check(method, multiproc::call(7_u64, |y| y * 5), returns(35));
    // Of another type, and yet the same instructions.
    check(method, multiproc::call(-7_i64, |z| z * 5), returns(-35));
    let functions: [fn(u64) -> u64; 3] = [|x| x + 9, |y| y + 9, |x| x + 10];
    let results = functions.map(|function| multiproc::call(1, function).start_method(method).run());
    let results = results.map(Result::unwrap);
    assert_eq!(results, [10, 10, 11]);
}

fn closures_with_handles(method: StartMethod) {
    let total = Mutex::new(1_u64).unwrap();
    let (sender, receiver) = channel().unwrap();
    let call = multiproc::call((total.clone(), sender), |(total, sender)| {
        let mut total = total.lock().unwrap();
        *total *= 6;
        sender.send(*total).unwrap();
    });
    check(method, call, returns(()));
    assert_eq!(receiver.iter().collect::<Vec<_>>(), [6]);
    assert_eq!(*total.lock().unwrap(), 6);
}

fn closures_that_call_closures(method: StartMethod) {
    let call = multiproc::call(3_u32, |x| {
        multiproc::run(x, |x| multiproc::run(x + 1, |x| x * 10).unwrap() + 1).unwrap()
    });
    check(method, call, returns(41));
}

fn closures_are_named_after_their_place(method: StartMethod) {
    let line = line!() + 1;
    let call = || multiproc::call((), |()| -> () { std::process::exit(3) });
    let process = call().start_method(method).spawn().unwrap();
    assert_eq!(process.name(), format!("functions.rs:{line}"));
    let (id, error) = (process.id(), process.join().unwrap_err());
    let name = format!("function at tests/it/functions.rs:{line}:19");
    assert_eq!(error.worker(), Some(&*name));
    assert_eq!(
        error.to_string(),
        format!("worker `{name}` exited with code 3 (pid {id})")
    );

    let named = call().name("other").start_method(method).spawn().unwrap();
    assert_eq!(named.name(), "other");
    named.join().unwrap_err();

    let line = line!() + 1;
    let worker = multiproc::call((), |()| {
        let current = multiproc::current().unwrap();
        (current.name().to_owned(), current.worker().to_owned())
    });
    let name = format!("function at tests/it/functions.rs:{line}:18");
    check(
        method,
        worker,
        returns((format!("functions.rs:{line}"), name)),
    );
}

fn closures_that_give_no_value(method: StartMethod) {
    let check = |call: multiproc::Call<'_, u8>, kind: ErrorKind| {
        let error = call.start_method(method).run().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.worker().unwrap().starts_with("function at "));
    };
    check(
        multiproc::call(7, |_| panic!("so be it")),
        ErrorKind::Panicked,
    );
    check(
        multiproc::call(7, |_| std::process::abort()),
        ErrorKind::Signaled,
    );
    check(
        multiproc::call(7, |_| std::process::exit(0)),
        ErrorKind::Exited,
    );
    let not_read = multiproc::call(Unreadable, |_| 7);
    check(not_read, ErrorKind::Decode);
    let not_written = multiproc::call(Unwritable, |_| 7);
    check(not_written, ErrorKind::Encode);
    let task = multiproc::call(7, |x| x).retries(1);
    check(task, ErrorKind::Unsupported);
}

#[derive(Serialize)]
struct Unreadable;

impl<'de> Deserialize<'de> for Unreadable {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom("it cannot be read"))
    }
}

#[derive(Deserialize)]
struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it cannot be written"))
    }
}

/// A process of the program would not have it.
fn a_function_of_a_library(method: StartMethod) {
    let mut command = program("program");
    command.arg("load-function").arg(library());
    let output = with_method(&mut command, method).output().unwrap();
    check_output(
        &output,
        "Unsupported: it is part of a shared library, and a new process runs the program, which may not have the library\n",
    );
}

fn results_of_the_closures_own(method: StartMethod) {
    let call = |text: &str| {
        multiproc::call(text.to_owned(), |text| -> Result<u32, RemoteError> {
            Ok(text.parse()?)
        })
    };
    let run = |text| call(text).start_method(method).run().unwrap();
    assert_eq!(run("7").unwrap(), 7);
    assert_eq!(
        run("seven").unwrap_err().to_string(),
        "invalid digit found in string"
    );
}

fn types_that_mean_something_in_one_process(method: StartMethod) {
    let call = multiproc::call(Some(std::sync::Mutex::new(7)), |number| {
        number.map(|number| *number.lock().unwrap())
    });
    let error = call.start_method(method).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let text = error.to_string();
    let reason =
        "cannot run in a process: it takes `Mutex`: its process would lock a copy of its own";
    assert!(text.contains(reason), "{text}");
    let call = multiproc::call(7, std::cell::Cell::new);
    let error = call.start_method(method).run().unwrap_err();
    assert!(error.to_string().contains("it returns `Cell`"));
    let shared = multiproc::shm::Shared::new(std::sync::atomic::AtomicU32::new(7)).unwrap();
    let call = multiproc::call(shared, |shared| {
        shared.load(std::sync::atomic::Ordering::Relaxed)
    });
    check(method, call, returns(7));
}
