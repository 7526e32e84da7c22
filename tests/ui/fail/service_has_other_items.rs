struct Index;

macro_rules! more {
    () => {
        fn size(&self) -> usize {
            0
        }
    };
}

#[multiproc::service]
impl Index {
    const LIMIT: usize = 3;

    fn open() -> Self {
        Index
    }

    more!();

    fn find(&self, word: &str) -> usize {
        word.len() + Self::LIMIT
    }
}

fn main() {
    let index = IndexClient::open().spawn().unwrap();
    index.find("dog").run().unwrap();
    assert_eq!(Index::LIMIT, Index.size() + 3);
}
