use renamed::{Shareable, service, startup, worker};

#[worker]
fn length(text: &str) -> usize {
    text.len()
}

#[worker(timeout = "1s")]
fn largest<T: Ord>(values: Vec<T>) -> Option<T> {
    values.into_iter().max()
}

struct Index;

#[service(queue = 4)]
impl Index {
    fn open(path: &str) -> Option<Self> {
        (!path.is_empty()).then_some(Index)
    }

    fn find(&self, word: &str) -> usize {
        word.len()
    }
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
    let index = IndexClient::open("path").spawn().unwrap();
    let _: usize = index.find("text").run().unwrap();
    let _ = renamed::sync::Mutex::new(Total { _sum: 1 });
}
