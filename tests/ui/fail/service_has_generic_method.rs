use std::fmt::Display;

struct Index;

#[multiproc::service]
impl Index {
    fn open<P: AsRef<str>>(path: P) -> Self {
        drop(path);
        Index
    }

    fn find<W: Display>(&self, word: W) -> usize {
        word.to_string().len()
    }

    fn rows<const N: usize>(&self) -> usize {
        N
    }

    fn size(&self) -> usize
    where
        Index: Sized,
    {
        0
    }
}

fn main() {
    let index = IndexClient::open("path").spawn().unwrap();
    let _ = index.find("dog").run();
    let _ = index.rows::<3>().run();
    let _ = index.size().run();
}
