struct Index;

#[multiproc::service]
impl Index {
    fn open() -> Self {
        Index
    }
}

#[multiproc::service]
impl Index {
    fn again() -> Self {
        Index
    }

    fn find(&self) -> u8 {
        1
    }
}

fn main() {
    let index = IndexClient::open().spawn().unwrap();
    index.find().run().unwrap();
    IndexClient::again().spawn().unwrap();
}
