#[multiproc::test]
fn sorts<T: Ord, const N: usize>() {}

#[multiproc::test]
fn borrows<'a>() {}

fn main() {}
