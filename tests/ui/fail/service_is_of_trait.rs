trait Find {
    fn open() -> Self;
    fn find(&self, word: &str) -> u64;
}

struct Index;

#[multiproc::service]
impl Find for Index {
    fn open() -> Self {
        Index
    }

    fn find(&self, word: &str) -> u64 {
        word.len() as u64
    }
}

fn main() {
    let index = IndexClient::open().spawn().unwrap();
    index.find("dog").run().unwrap();
}
