struct Index;

#[multiproc::service(queue = 4, threads = 2, queue = 5)]
impl Index {
    fn open() -> Self {
        Index
    }

    #[request(timeout = "5s", timeout = "6s")]
    fn find(&self, word: &str) -> usize {
        word.len()
    }

    #[request(timeout = "5s")]
    #[request(timeout = "5s")]
    fn size(&self) -> usize {
        0
    }
}

fn main() {
    let index = IndexClient::open().spawn().unwrap();
    index.find("dog").run().unwrap();
    index.size().run().unwrap();
}
