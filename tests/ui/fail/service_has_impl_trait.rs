use std::fmt::Display;

struct Index;

#[multiproc::service]
impl Index {
    fn open(path: impl AsRef<str>) -> Self {
        drop(path);
        Index
    }

    fn find(&self, word: impl Display) -> usize {
        word.to_string().len()
    }

    fn all(&self) -> impl Iterator<Item = u8> {
        std::iter::empty()
    }
}

fn main() {
    let index = IndexClient::open("path").spawn().unwrap();
    let _ = index.find("dog").run();
    let _ = index.all().run();
}
