use multiproc_macros::{service, test, worker};

#[worker]
fn length(text: &str) -> usize {
    text.len()
}

#[multiproc_macros::worker(timeout = "1s")]
fn largest<T: Ord>(values: Vec<T>) -> Option<T> {
    values.into_iter().max()
}

struct Index;

#[service]
impl Index {
    fn open() -> Self {
        Index
    }

    fn find(&self, word: &str) -> usize {
        word.len()
    }
}

#[test]
fn it_works() {}

fn main() {
    let _: usize = length::run("text").unwrap();
    let _: Option<u8> = largest::run(vec![1, 2]).unwrap();
    let _ = length::spawn("text").unwrap().join();
    let index = IndexClient::open().spawn().unwrap();
    let _: usize = index.find("text").run().unwrap();
}
