use multiproc::worker;

// The real one leaves nothing to compile where nothing is tested.
use multiproc::startup as test;

#[test]
#[worker]
fn sums() {
    assert_eq!(1 + 1, 2);
}

fn main() {
    sums::run().unwrap();
}
