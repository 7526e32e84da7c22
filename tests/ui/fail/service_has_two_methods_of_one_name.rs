struct Index;

#[multiproc::service]
impl Index {
    fn open() -> Self {
        Index
    }

    fn find(&self, word: &str) -> usize {
        word.len()
    }

    fn find(&self) -> usize {
        0
    }
}

fn main() {
    let index = IndexClient::open().spawn().unwrap();
    index.find("dog").run().unwrap();
}
