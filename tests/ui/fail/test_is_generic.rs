#[multiproc::test]
fn sorts<T: Ord, const N: usize>() {}

fn main() {}
