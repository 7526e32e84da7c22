struct Index;

impl Index {
    const LIMIT: usize = 3;
}

#[multiproc::service]
impl Index {
    fn open(other: &Self) -> Self {
        let _ = other;
        Index
    }

    fn merge(&mut self, other: Self, more: Vec<Self>) -> bool {
        drop((other, more));
        true
    }

    fn copy(&self) -> Option<Self> {
        None
    }

    fn first(&self, of: [u8; Self::LIMIT]) -> u8 {
        of[0]
    }
}

fn main() {
    let index = IndexClient::open(&Index).spawn().unwrap();
    let _ = index.merge(Index, Vec::new()).run();
    let _ = index.copy().run();
    let _ = index.first([1, 2, 3]).run();
}
