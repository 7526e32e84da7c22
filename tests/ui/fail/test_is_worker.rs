#[multiproc::test]
#[multiproc::worker]
fn works() {}

fn main() {}
