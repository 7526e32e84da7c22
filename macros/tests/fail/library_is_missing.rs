use multiproc_macros::{test, worker};

#[worker]
fn length(text: &str) -> usize {
    text.len()
}

#[multiproc_macros::worker(timeout = "1s")]
fn largest<T: Ord>(values: Vec<T>) -> Option<T> {
    values.into_iter().max()
}

#[test]
fn it_works() {}

fn main() {
    let _: usize = length::run("text").unwrap();
    let _: Option<u8> = largest::run(vec![1, 2]).unwrap();
    let _ = length::spawn("text").unwrap().join();
}
