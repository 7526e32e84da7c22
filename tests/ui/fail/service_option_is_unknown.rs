struct Index;

#[multiproc::service(que = 4, priority = 3)]
impl Index {
    fn open() -> Self {
        Index
    }

    #[request(timeot = "5s")]
    fn find(&self, word: &str) -> usize {
        word.len()
    }

    #[request(memory = "1GiB")]
    fn size(&self) -> usize {
        0
    }
}

fn main() {
    let index = IndexClient::open().spawn().unwrap();
    index.find("dog").run().unwrap();
    index.size().run().unwrap();
}
