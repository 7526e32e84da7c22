// The real one leaves nothing to compile where nothing is tested.
use multiproc::startup as test;

#[test]
#[multiproc::test]
fn sums() {
    assert_eq!(1 + 1, 2);
}

mod alone {
    use multiproc::test;

    #[test]
    fn sums() {}

    #[test(timeout = "1s")]
    fn differs() {}
}

fn main() {}
