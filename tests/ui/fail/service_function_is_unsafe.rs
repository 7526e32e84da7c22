struct Index;

#[multiproc::service]
impl Index {
    unsafe fn open() -> Self {
        Index
    }

    extern "C" fn find(&self) -> u8 {
        1
    }

    fn change(&self, words: &mut Vec<u8>) {
        words.clear();
    }

    const fn size(&self) -> u8 {
        0
    }
}

fn main() {
    let index = IndexClient::open().spawn().unwrap();
    index.find().run().unwrap();
    index.change(&mut Vec::new()).run().unwrap();
    index.size().run().unwrap();
}
