#[multiproc::test]
#[test]
fn plain() {}

#[multiproc::test]
#[tokio::test]
async fn of_tokio() {}

#[multiproc::test]
#[multiproc::test(timeout = "1s")]
fn of_ours() {}

fn main() {}
