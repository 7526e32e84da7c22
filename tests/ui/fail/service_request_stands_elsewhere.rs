struct Index;

#[multiproc::service]
impl Index {
    #[request(timeout = "5s")]
    fn open() -> Self {
        Index
    }
}

impl Index {
    #[request(timeout = "5s")]
    fn find(&self) {}
}

fn main() {
    IndexClient::open().spawn().unwrap();
    Index.find();
}
