#[multiproc::test]
async fn fetches() {}

#[multiproc::test(runtime = block_on)]
fn waits() {}

fn block_on<F: Future>(_: F) -> F::Output {
    loop {}
}

fn main() {
    block_on(async {})
}
