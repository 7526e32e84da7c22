//! Arguments and results of every size arrive whole.

use multiproc::ErrorKind::{Decode, Encode};
use multiproc::{StartMethod, worker};

use crate::support::{cases, check, fails, returns};

cases! {
    sizes_around_every_limit
    lists_of_many_small_things
    several_long_arguments
    a_quarter_of_a_gigabyte
    what_does_not_fit_the_pipe_and_is_not_asked_for
    arguments_that_a_worker_has_no_memory_for
    results_that_a_worker_has_no_memory_for
}

#[worker]
fn echo(bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

#[worker]
fn own(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

#[worker]
fn reverse(text: &str) -> String {
    text.chars().rev().collect()
}

/// Bytes that differ from page to page.
fn bytes(length: usize) -> Vec<u8> {
    let mut bytes = vec![1; length];
    for (index, page) in bytes.chunks_mut(4096).enumerate() {
        page[0] = index.to_le_bytes()[0];
        page[page.len() / 2] = index.to_le_bytes()[1];
    }
    bytes
}

fn sizes_around_every_limit(method: StartMethod) {
    for limit in [
        1,
        4096,
        64 << 10,
        128 << 10,
        // The packet that ipc-channel can send in one piece.
        212_448,
        // The socket's buffer.
        212_992,
        256 << 10,
        1 << 20,
        3 << 20,
    ] {
        for length in [limit - 1, limit, limit + 1] {
            let bytes = bytes(length);
            check(method, own::call(&bytes), returns(bytes.clone()));
            check(method, echo::call(bytes.clone()), returns(bytes));
        }
        let text = "x".repeat(limit);
        check(method, reverse::call(&text), returns(text.clone()));
    }
}

#[worker]
fn count(texts: Vec<String>, pairs: &[(u8, Option<i64>)]) -> (usize, Vec<String>) {
    (texts.len() + pairs.len(), texts)
}

/// Values that have no long run of bytes, in a long message.
fn lists_of_many_small_things(method: StartMethod) {
    for length in [10, 1000, 20_000] {
        let texts: Vec<_> = (0..length).map(|number| number.to_string()).collect();
        let pairs: Vec<_> = (0..length).map(|_| (7, Some(-1))).collect();
        check(
            method,
            count::call(texts.clone(), &pairs),
            returns((2 * length, texts)),
        );
    }
}

#[worker]
fn sums(a: &[u64], b: Vec<f64>, c: &str, d: &[i16], e: Vec<Vec<u32>>) -> (u64, usize, f64) {
    let length = c.len() + d.len() + e.iter().map(Vec::len).sum::<usize>();
    (a.iter().sum(), length, b.iter().sum())
}

fn several_long_arguments(method: StartMethod) {
    const LENGTH: usize = 100_000;
    let text = "x".repeat(LENGTH);
    check(
        method,
        sums::call(
            &vec![1; LENGTH],
            vec![0.5; LENGTH],
            &text,
            &vec![1; LENGTH],
            vec![vec![1; LENGTH]; 10],
        ),
        returns((LENGTH as u64, 12 * LENGTH, LENGTH as f64 / 2.0)),
    );
}

fn a_quarter_of_a_gigabyte(method: StartMethod) {
    let bytes = bytes(256 << 20);
    let result = own::call(&bytes).start_method(method).run().unwrap();
    assert!(result == bytes);
    drop(result);
    let result = echo::call(bytes.clone())
        .start_method(method)
        .run()
        .unwrap();
    assert!(result == bytes);
}

/// Nobody reads the results until all the children are there, and nobody blocks anybody.
fn what_does_not_fit_the_pipe_and_is_not_asked_for(method: StartMethod) {
    let bytes = bytes(3 << 20);
    let processes: Vec<_> = (0..8)
        .map(|_| own::call(&bytes).start_method(method).spawn().unwrap())
        .collect();
    for process in processes.into_iter().rev() {
        assert!(process.join().unwrap() == bytes);
    }
}

#[worker]
fn measure(numbers: Vec<f64>) -> usize {
    numbers.len()
}

/// The message fits, and not the value beside it.
fn arguments_that_a_worker_has_no_memory_for(method: StartMethod) {
    let numbers = vec![0.0; 32 << 20];
    check(
        method,
        measure::call(numbers).memory_limit(400 << 20),
        fails(
            Decode,
            "worker `measure`: its arguments cannot be decoded: there is not enough memory for \
             268435456 bytes of a value",
        ),
    );
    check(
        method,
        measure::call(vec![0.0; 1 << 20]).memory_limit(400 << 20),
        returns(1 << 20),
    );
}

#[worker]
fn long_text(length: usize) -> Option<String> {
    String::from_utf8(vec![0; length]).ok()
}

/// The value fits, and not the message beside it.
fn results_that_a_worker_has_no_memory_for(method: StartMethod) {
    check(
        method,
        long_text::call(400 << 20).memory_limit(700 << 20),
        fails(
            Encode,
            "worker `long_text`: its result cannot be encoded: there is not enough memory for \
             419430400 bytes of a value",
        ),
    );
}
