struct Index<'a> {
    words: &'a [&'a str],
}

#[multiproc::service]
impl<'a> Index<'a> {
    fn open() -> Self {
        Index { words: &[] }
    }

    fn find(&self, word: &str) -> Option<usize> {
        self.words.iter().position(|known| *known == word)
    }
}

fn main() {
    let index = IndexClient::open().spawn().unwrap();
    index.find("dog").run().unwrap();
}
