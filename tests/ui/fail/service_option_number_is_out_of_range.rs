struct Index;

#[multiproc::service(queue = 0, threads = 65536)]
impl Index {
    fn open() -> Self {
        Index
    }
}

struct Site;

#[multiproc::service(queue = 8u8, threads = 0)]
impl Site {
    fn open() -> Self {
        Site
    }
}

fn main() {
    IndexClient::open().spawn().unwrap();
    SiteClient::open().spawn().unwrap();
}
