struct Index {
    words: Vec<String>,
}

struct Entry<'a>(&'a str);

#[multiproc::service]
impl Index {
    fn open() -> Self {
        Index { words: Vec::new() }
    }

    fn first(&self) -> &str {
        &self.words[0]
    }

    fn all(&self) -> Option<&[String]> {
        Some(&self.words)
    }

    fn entry(&self) -> Entry<'_> {
        Entry(&self.words[0])
    }
}

fn main() {
    let index = IndexClient::open().spawn().unwrap();
    let _ = index.first().run();
    let _ = index.all().run();
    let _ = index.entry().run();
}
