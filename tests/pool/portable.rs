//! Calls that are sent, and stored.

use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use multiproc::channel::channel;
use multiproc::sync::Mutex;
use multiproc::{
    Call, ErrorKind, Function, Payload, Pool, PortableCall, StartMethod, Stdio, worker,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Makes a test of each function `fn(StartMethod)`, for both.
macro_rules! cases {
    ($($case:ident)*) => {
        mod both {
            $(
                #[test]
                fn $case() {
                    crate::within(std::time::Duration::from_mins(2), || {
                        super::$case(multiproc::StartMethod::ForkServer);
                        super::$case(multiproc::StartMethod::Spawn);
                    });
                }
            )*
        }
    };
}

cases! {
    calls_of_every_kind
    calls_with_long_arguments
    calls_with_options
    calls_for_pools_of_other_processes
    calls_that_hold_more_than_data
    calls_of_another_build
    calls_that_were_damaged
    calls_with_another_result
}

#[track_caller]
fn check<R: PartialEq + Debug>(method: StartMethod, call: Call<'_, R>, expected: R) {
    assert_eq!(call.start_method(method).run().unwrap(), expected);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Job {
    name: String,
    sizes: Vec<u64>,
}

#[worker]
fn sort(mut job: Job, and: &str) -> Job {
    job.sizes.sort_unstable();
    job.name += and;
    job
}

#[worker]
fn largest<T: Ord + Clone>(values: &[T]) -> Option<T> {
    values.iter().max().cloned()
}

/// What becomes of the call in a file.
fn stored<R: Payload>(call: Call<'_, R>) -> PortableCall<R> {
    let text = serde_json::to_string(&call.portable().unwrap()).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn job() -> Job {
    Job {
        name: "job".to_owned(),
        sizes: vec![3, 1, 2],
    }
}

fn sorted() -> Job {
    Job {
        name: "job!".to_owned(),
        sizes: vec![1, 2, 3],
    }
}

fn calls_of_every_kind(method: StartMethod) {
    let call = stored(sort::call(job(), "!"));
    check(method, call.clone().call(), sorted());
    // Sent, and started there.
    let run = multiproc::call(call, |call| call.call().run().unwrap());
    check(method, run, sorted());

    let call = stored(largest::call(&["a".to_owned(), "b".to_owned()]));
    check(method, call.call(), Some("b".to_owned()));
    let call = stored(multiproc::call((job(), 7), |(job, more)| {
        job.sizes[0] + more
    }));
    check(method, call.call(), 10);
    let call = stored(Function::new(|x| x * 2).bind(7));
    check(method, call.call(), 14);
    // A function inside of the arguments.
    let call = multiproc::call((Function::new(|x: u32| x + 1), 7), |(function, x)| {
        function.call(x)
    });
    check(method, stored(call).call(), 8);
    // A call inside of the arguments.
    let inner = multiproc::call(7, |x| x * 3).portable().unwrap();
    let call = multiproc::call(vec![inner], |calls| {
        calls
            .into_iter()
            .map(|call| call.call().run().unwrap())
            .sum::<i32>()
    });
    check(method, stored(call).call(), 21);
}

fn calls_with_long_arguments(method: StartMethod) {
    let numbers: Vec<u64> = (0..100_000).collect();
    let text = "x".repeat(1 << 20);
    let call = multiproc::call((numbers.clone(), text), |(numbers, text)| {
        (numbers.iter().sum::<u64>(), text.len())
    });
    let expected = (4_999_950_000, 1 << 20);
    check(method, stored(call).call(), expected);
    let call = largest::call(&numbers).portable().unwrap();
    check(method, call.clone().call(), Some(99_999));
    let pool = Pool::builder()
        .start_method(method)
        .workers(1)
        .build()
        .unwrap();
    assert_eq!(
        pool.submit(call.clone().call()).wait().unwrap(),
        Some(99_999)
    );
    let results = pool.map(PortableCall::call, vec![call; 3]);
    assert_eq!(
        results.collect::<Result<Vec<_>, _>>().unwrap(),
        [Some(99_999); 3]
    );
}

#[worker(nice = 3)]
fn surroundings() -> (String, Option<String>, String, bool) {
    let current = multiproc::current().unwrap();
    let directory = std::env::current_dir().unwrap();
    (
        current.name().to_owned(),
        std::env::var("PORTABLE").ok(),
        directory.to_str().unwrap().to_owned(),
        HOOK_HAS_RUN.load(std::sync::atomic::Ordering::Relaxed),
    )
}

static HOOK_HAS_RUN: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

fn hook() {
    HOOK_HAS_RUN.store(true, std::sync::atomic::Ordering::Relaxed);
}

fn calls_with_options(method: StartMethod) {
    let call = surroundings::call()
        .name("traveller")
        .env("PORTABLE", "yes")
        .current_dir("/")
        .before_worker(hook);
    let expected = (
        "traveller".to_owned(),
        Some("yes".to_owned()),
        "/".to_owned(),
        true,
    );
    check(method, stored(call).call(), expected);

    let doze = || multiproc::call((), |()| std::thread::sleep(Duration::from_secs(60)));
    let call = stored(doze().timeout(Duration::from_millis(50)));
    let error = call.call().start_method(method).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);

    let call = stored(doze().start_method(StartMethod::Spawn)).call();
    let process = call.spawn().unwrap();
    assert_eq!(process.start_method(), StartMethod::Spawn);
    process.kill();
    process.join().unwrap_err();

    let error = stored(multiproc::call(7, |x| x).retries(2)).call().run();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unsupported);
    let pool = Pool::builder()
        .start_method(method)
        .workers(1)
        .build()
        .unwrap();
    let call = stored(
        multiproc::call(7, |x| x)
            .retries(2)
            .priority(3)
            .memory_limit(1 << 30),
    );
    assert_eq!(pool.submit(call.call()).wait().unwrap(), 7);
}

#[worker]
fn run_all(method: bool, calls: Vec<PortableCall<u64>>) -> Vec<u64> {
    let method = if method {
        StartMethod::Spawn
    } else {
        StartMethod::ForkServer
    };
    let pool = Pool::builder()
        .start_method(method)
        .workers(2)
        .build()
        .unwrap();
    let results = pool.map(PortableCall::call, calls);
    results.collect::<multiproc::Result<_>>().unwrap()
}

fn calls_for_pools_of_other_processes(method: StartMethod) {
    let call = |x: u64| match x % 2 {
        0 => multiproc::call(x, |x| x * x),
        _ => largest::call(&[x, x + 100])
            .portable()
            .map(unwrapped)
            .unwrap(),
    };
    fn unwrapped(call: PortableCall<Option<u64>>) -> Call<'static, u64> {
        multiproc::call(call, |call| call.call().run().unwrap().unwrap())
    }
    let calls = (0..6).map(|x| call(x).portable().unwrap()).collect();
    check(
        method,
        run_all::call(method == StartMethod::Spawn, calls),
        vec![0, 101, 4, 103, 16, 105],
    );
}

fn calls_that_hold_more_than_data(method: StartMethod) {
    #[worker]
    fn lock(_: u32, number: Mutex<u32>) -> u32 {
        *number.lock().unwrap()
    }
    let refusal = |error: multiproc::Error| {
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        error.to_string()
    };
    let number = Mutex::new(7).unwrap();
    let error = lock::call(3, number.clone()).portable().unwrap_err();
    assert_eq!(error.worker(), Some("lock"));
    let text = refusal(error);
    assert!(
        text.starts_with(
            "the call of worker `lock` cannot be made portable: argument 2 holds a handle"
        ),
        "{text}"
    );
    check(method, lock::call(3, number), 7);

    let (sender, receiver) = channel::<u32>().unwrap();
    let text = refusal(multiproc::call(sender, drop).portable().unwrap_err());
    assert!(text.contains("argument 1 holds a handle"), "{text}");
    // What was to leave with it is as it was.
    let (sender, other) = channel::<u32>().unwrap();
    let text = refusal(multiproc::call(receiver, drop).portable().unwrap_err());
    assert!(text.contains("argument 1 holds a handle"), "{text}");
    sender.send(7).unwrap();
    assert_eq!(other.recv().unwrap(), 7);

    let call = multiproc::call(7, |x| x).stdout(Stdio::null());
    let text = refusal(call.portable().unwrap_err());
    assert!(text.contains("it sets standard streams"), "{text}");
}

fn changed(call: Call<'_, Job>, change: impl FnOnce(&mut Value)) -> String {
    let mut value = serde_json::to_value(call.portable().unwrap()).unwrap();
    change(&mut value);
    let error = serde_json::from_value::<PortableCall<Job>>(value).unwrap_err();
    error.to_string()
}

fn calls_of_another_build(_: StartMethod) {
    let text = changed(sort::call(job(), "!"), |value| {
        let byte = &mut value["call"]["build"][0];
        *byte = Value::from(byte.as_u64().unwrap() ^ 1);
    });
    assert_eq!(
        text,
        "the call of worker `sort` is one of another build of this program, or of another program"
    );
}

fn calls_that_were_damaged(_: StartMethod) {
    let text = "the call of worker `sort` was damaged on its way";
    let change_check = |value: &mut Value| value["check"] = Value::from(7);
    assert_eq!(changed(sort::call(job(), "!"), change_check), text);
    let change_arguments = |value: &mut Value| {
        let bytes = value["call"]["arguments"]["head"].as_array_mut().unwrap();
        *bytes.last_mut().unwrap() = Value::from(b'?');
    };
    assert_eq!(changed(sort::call(job(), "!"), change_arguments), text);
    let change_place =
        |value: &mut Value| value["call"]["callee"]["place"]["Slice"] = Value::from(0);
    assert_eq!(changed(sort::call(job(), "!"), change_place), text);
}

fn calls_with_another_result(method: StartMethod) {
    let call = multiproc::call(7, |x: u32| x).portable().unwrap();
    let text = serde_json::to_string(&call).unwrap();
    let error = serde_json::from_str::<PortableCall<u64>>(&text).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("has results of the type `u32`, and not `u64`"),
        "{text}"
    );
    check(method, call.call(), 7);
}

/// As another machine would have it: the file is the same, and what the system knows of it is not.
#[test]
fn a_call_is_run_by_a_copy_of_the_program() {
    const CALLS: &str = "MULTIPROC_PORTABLE_CALLS";

    type Calls = (
        PortableCall<u64>,
        PortableCall<Option<u8>>,
        PortableCall<Job>,
    );
    if let Ok(text) = std::env::var(CALLS) {
        let calls: Calls = serde_json::from_str(&text).unwrap();
        assert_eq!(calls.0.call().run().unwrap(), 49);
        assert_eq!(calls.1.call().run().unwrap(), Some(3));
        assert_eq!(calls.2.call().run().unwrap(), sorted());
        return;
    }
    let calls: Calls = (
        multiproc::call(7, |x| x * x).portable().unwrap(),
        largest::call(&[1, 3, 2]).portable().unwrap(),
        sort::call(job(), "!").portable().unwrap(),
    );
    let name = format!("portable-{}", std::process::id());
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::copy("/proc/self/exe", &copy).unwrap();
    let output = Command::new(&copy)
        .args([
            "--exact",
            "portable::a_call_is_run_by_a_copy_of_the_program",
        ])
        .env(CALLS, serde_json::to_string(&calls).unwrap())
        .output();
    fs::remove_file(&copy).unwrap();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1 passed"), "{text}");
}
