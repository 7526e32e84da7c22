struct Site;

#[multiproc::service]
impl Site {
    async fn connect() -> Self {
        Site
    }

    async fn fetch(&self, path: &str) -> usize {
        path.len()
    }

    fn size(&self) -> usize {
        0
    }
}

struct Index;

#[multiproc::service(runtime = block_on)]
impl Index {
    fn open() -> Self {
        Index
    }
}

fn main() {
    let site = SiteClient::connect().spawn().unwrap();
    site.fetch("dog").run().unwrap();
    site.size().run().unwrap();
    IndexClient::open().spawn().unwrap();
}
