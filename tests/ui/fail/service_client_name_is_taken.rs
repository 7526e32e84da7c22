struct Index;

struct IndexClient;

#[multiproc::service]
impl Index {
    fn open() -> Self {
        Index
    }

    fn find(&self) -> u8 {
        1
    }
}

struct Site;

#[multiproc::service(client = web)]
impl Site {
    fn open() -> Self {
        Site
    }
}

mod web {}

fn main() {
    let _ = IndexClient;
    let _ = Index::open().find();
    let _ = Site::open();
}
