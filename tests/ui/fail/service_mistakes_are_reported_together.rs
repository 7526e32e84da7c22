struct Index;

#[multiproc::service(threads = 0, speed = 3)]
impl Index {
    const LIMIT: usize = 3;

    fn open(path: *const u8) -> Self {
        drop(path);
        Index
    }

    fn find<W>(self: Box<Self>, word: W) -> Option<&'static str> {
        drop(word);
        None
    }

    fn helper() {}
}

fn main() {
    let index = IndexClient::open(std::ptr::null()).spawn().unwrap();
    let _ = index.find("dog").run();
    Index::helper();
    assert_eq!(Index::LIMIT, 3);
}
