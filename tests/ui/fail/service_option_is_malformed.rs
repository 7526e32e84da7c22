struct Index;

#[multiproc::service(client = "Handle", queue = "many", threads, timeout = 5)]
impl Index {
    fn open() -> Self {
        Index
    }

    #[request = "5s"]
    fn find(&self, word: &str) -> usize {
        word.len()
    }

    #[request(timeout = 5)]
    fn size(&self) -> usize {
        0
    }

    #[request(timeout = "5 parsecs")]
    fn far(&self) -> usize {
        0
    }
}

fn main() {
    let index = IndexClient::open().spawn().unwrap();
    index.find("dog").run().unwrap();
    index.size().run().unwrap();
    index.far().run().unwrap();
}
