use renamed::{Shareable, startup, worker};

#[worker]
fn length(text: &str) -> usize {
    text.len()
}

#[worker(timeout = "1s")]
fn largest<T: Ord>(values: Vec<T>) -> Option<T> {
    values.into_iter().max()
}

#[startup]
fn start() {}

#[derive(Shareable)]
struct Total {
    _sum: u64,
}

fn main() {
    let _: usize = length::run("text").unwrap();
    let _: Option<u8> = largest::run(vec![1, 2]).unwrap();
    let _ = length::spawn("text").unwrap().join();
    let _ = renamed::sync::Mutex::new(Total { _sum: 1 });
}
