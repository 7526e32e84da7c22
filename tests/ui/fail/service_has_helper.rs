struct Index;

#[multiproc::service]
impl Index {
    fn open() -> Self {
        Index
    }

    fn find(&self, word: &str) -> usize {
        Self::normalize(word).len()
    }

    fn normalize(word: &str) -> String {
        word.to_lowercase()
    }

    fn several() -> Vec<Self> {
        Vec::new()
    }
}

fn main() {
    let index = IndexClient::open().spawn().unwrap();
    index.find("dog").run().unwrap();
    assert_eq!(Index::normalize("Dog"), "dog");
    assert!(Index::several().is_empty());
}
