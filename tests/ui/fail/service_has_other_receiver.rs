use std::pin::Pin;
use std::rc::Rc;

struct Index;

#[multiproc::service]
impl Index {
    fn open() -> Self {
        Index
    }

    fn boxed(self: Box<Self>) -> u64 {
        1
    }

    fn counted(self: &Rc<Self>) -> u64 {
        2
    }

    fn pinned(self: Pin<&mut Self>, word: &str) -> u64 {
        word.len() as u64
    }

    fn held(&'static self) -> u64 {
        3
    }

    fn named<'a>(&'a mut self) -> u64 {
        4
    }
}

fn main() {
    let index = IndexClient::open().spawn().unwrap();
    index.boxed().run().unwrap();
    index.counted().run().unwrap();
    index.pinned("dog").run().unwrap();
    index.held().run().unwrap();
    index.named().run().unwrap();
}
