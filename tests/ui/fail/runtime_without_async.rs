use multiproc::worker;

fn block_on<F: Future>(_: F) -> F::Output {
    unimplemented!()
}

#[worker(runtime = block_on)]
fn fetch(url: String) -> usize {
    url.len()
}

fn main() {
    let _: usize = fetch::run("url".to_owned()).unwrap();
}
