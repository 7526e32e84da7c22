//! Closures as tasks.

use multiproc::{ErrorKind, worker};

use crate::check;

#[worker]
fn double(x: u64) -> u64 {
    x * 2
}

#[test]
fn closures_are_tasks_as_workers_are() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let one = pool.submit(multiproc::call(7, |x| x + 1));
        let other = pool.submit(multiproc::call(("x".to_owned(), 3), |(text, times)| {
            text.repeat(times)
        }));
        let third = pool.submit(double::call(7));
        assert_eq!(one.wait().unwrap(), 8);
        assert_eq!(other.wait().unwrap(), "xxx");
        assert_eq!(third.wait().unwrap(), 14);
        let squares = pool.map(|x| multiproc::call(x, |x| x * x), 0..1000_u64);
        for (x, square) in (0..).zip(squares) {
            assert_eq!(square.unwrap(), x * x);
        }
    });
}

/// Tasks of one map with different functions, whose types and places are the same.
#[test]
fn each_task_calls_its_own_function() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let functions: [fn(u64) -> u64; 3] = [|x| x + 1, |x| x * 10, double];
        let calls = |number: u64| multiproc::call(number, functions[number as usize % 3]);
        let results: Result<Vec<_>, _> = pool.map(calls, 0..600).chunk_size(50).collect();
        let expected: Vec<_> = (0..600).map(|x| functions[x as usize % 3](x)).collect();
        assert_eq!(results.unwrap(), expected);
    });
}

#[test]
fn a_task_that_dies_is_named_after_the_place_of_its_call() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let line = line!() + 1;
        let crash = pool.submit(multiproc::call((), |()| -> () { std::process::abort() }));
        let error = crash.wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signaled);
        let name = format!("function at tests/pool/functions.rs:{line}:33");
        assert_eq!(error.worker(), Some(&*name));
        assert!(error.to_string().contains(&format!("worker `{name}`")));

        let line = line!() + 1;
        let name = multiproc::call((), |()| multiproc::current().unwrap().worker().to_owned());
        let expected = format!("function at tests/pool/functions.rs:{line}:20");
        assert_eq!(pool.submit(name).wait().unwrap(), expected);
    });
}

#[test]
fn a_task_of_a_pool_calls_closures_in_processes() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let call = |x| multiproc::call(x, |x| multiproc::run(x, |x: u32| x + 1).unwrap());
        let results: Result<Vec<_>, _> = pool.map(call, [1, 2, 3]).collect();
        assert_eq!(results.unwrap(), [2, 3, 4]);
    });
}

/// The options of a call hold for the task.
#[test]
fn a_closure_has_options_as_a_task() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let call = multiproc::call(20_000_u32, |levels| {
            fn depth(levels: u32) -> u32 {
                if levels == 0 {
                    0
                } else {
                    1 + std::hint::black_box(depth(levels - 1))
                }
            }
            depth(levels)
        });
        let task = pool.submit(call.stack_size(64 << 20).priority(1));
        assert_eq!(task.wait().unwrap(), 20_000);
        let call = multiproc::call((), |()| ()).current_dir("/");
        let error = pool.submit(call).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    });
}
