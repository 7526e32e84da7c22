//! `f::call` is a path like any other.

use multiproc::{Call, worker};

#[worker]
fn double(number: u32) -> u32 {
    number * 2
}

#[worker]
fn length(text: &str) -> usize {
    text.len()
}

#[worker]
fn add(left: u32, right: u32) -> u32 {
    left + right
}

fn run_all<T, R>(
    call: impl Fn(T) -> Call<'static, R>,
    inputs: impl IntoIterator<Item = T>,
) -> Vec<R> {
    inputs
        .into_iter()
        .map(|input| call(input).run().unwrap())
        .collect()
}

fn run_borrowed<'a, T: ?Sized, R>(call: impl Fn(&'a T) -> Call<'a, R>, input: &'a T) -> R {
    call(input).run().unwrap()
}

#[test]
fn it_runs() {
    assert_eq!(run_all(double::call, [1, 2]), [2, 4]);
    assert_eq!(
        run_all(|(left, right)| add::call(left, right), [(1, 2), (3, 4)]),
        [3, 7]
    );
    assert_eq!(run_all(length::call, ["static"]), [6]);
    assert_eq!(run_borrowed(length::call, &String::from("borrowed")), 8);

    let function: fn(u32) -> Call<'static, u32> = double::call;
    let process = function(4).name("renamed").spawn().unwrap();
    assert_eq!(process.name(), "renamed");
    assert_eq!(process.join().unwrap(), 8);
}
