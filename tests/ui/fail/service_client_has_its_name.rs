struct Index;

#[multiproc::service(client = Index)]
impl Index {
    fn open() -> Self {
        Index
    }
}

fn main() {
    let _index: Index = Index::open();
}
