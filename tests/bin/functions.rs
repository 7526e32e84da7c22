//! A program that is built in several ways, by `.ci/profiles`: what it calls in processes are closures and
//! functions, some of which the compiler or the linker may have made one. It tells whether they have.

#![expect(clippy::print_stdout, reason = "it tells what it is like")]

use multiproc::{Function, Pool, PortableCall, StartMethod, worker};

#[worker]
fn largest<T: Ord + Clone>(values: &[T]) -> Option<T> {
    values.iter().max().cloned()
}

#[worker]
fn apply(functions: Vec<Function<u64, u64>>, x: u64) -> Vec<u64> {
    functions.iter().map(|function| function.call(x)).collect()
}

/// Closures with the same instructions, made in different places.
fn alike() -> [fn(u64) -> u64; 3] {
    [|x| x * 5 + 1, |y| y * 5 + 1, |z| z * 5 + 2]
}

fn main() {
    let [one, other, different] = alike();
    let is_merged = std::ptr::fn_addr_eq(one, other);
    for method in [StartMethod::ForkServer, StartMethod::Spawn] {
        check(method);
    }
    assert!(!std::ptr::fn_addr_eq(one, different));
    println!("merged: {is_merged}");
}

fn check(method: StartMethod) {
    for (function, expected) in alike().into_iter().zip([36, 36, 37]) {
        let call = multiproc::call(7, function).start_method(method);
        assert_eq!(call.run().unwrap(), expected);
    }
    // Of other types, and with the same instructions.
    let call = multiproc::call(-7_i64, |x| x * 5 + 1).start_method(method);
    assert_eq!(call.run().unwrap(), -34);
    let call = multiproc::call(7_u64, |x| x as i64 * 5 + 1).start_method(method);
    assert_eq!(call.run().unwrap(), 36);
    let call = multiproc::call(("x".to_owned(), 3), |(text, times)| text.repeat(times));
    assert_eq!(call.start_method(method).run().unwrap(), "xxx");

    let call = largest::call(&[1_u8, 3, 2]).start_method(method);
    assert_eq!(call.run().unwrap(), Some(3));
    let texts = ["a".to_owned()];
    let call = largest::call(&texts).start_method(method);
    assert_eq!(call.run().unwrap().as_deref(), Some("a"));

    let functions = alike().map(Function::new).to_vec();
    let call = apply::call(functions, 7).start_method(method);
    assert_eq!(call.run().unwrap(), [36, 36, 37]);

    let pool = Pool::builder()
        .start_method(method)
        .workers(2)
        .build()
        .unwrap();
    let calls = (0..30_u64).map(|x| (x, alike()[x as usize % 3]));
    let results = pool.map(|(x, function)| multiproc::call(x, function), calls);
    let sum = results.sum::<multiproc::Result<u64>>().unwrap();
    assert_eq!(
        sum,
        (0..30).map(|x| x * 5 + 1 + u64::from(x % 3 == 2)).sum()
    );

    let calls: Vec<PortableCall<Option<u64>>> = vec![
        largest::call(&[7, 8]).portable().unwrap(),
        multiproc::call(9, |x| Some(x * 5 + 1)).portable().unwrap(),
    ];
    let run = multiproc::call(calls, |calls| -> Vec<_> {
        calls
            .into_iter()
            .map(|call| call.call().run().unwrap())
            .collect()
    });
    assert_eq!(run.start_method(method).run().unwrap(), [Some(8), Some(46)]);
}
