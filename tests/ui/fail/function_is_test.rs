use multiproc::worker;

#[worker]
#[test]
fn sums() {
    assert_eq!(1 + 1, 2);
}

mod tokio {
    pub use std::prelude::v1::test;
}

#[worker]
#[tokio::test]
async fn waits() {}

fn main() {
    sums::run().unwrap();
    waits::run().unwrap();
}
