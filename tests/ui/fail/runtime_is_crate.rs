use multiproc::worker;

#[worker(runtime = "tokio")]
async fn quoted(url: &str) -> usize {
    url.len()
}

#[worker(runtime = tokio)]
async fn plain(url: &str) -> usize {
    url.len()
}

#[worker(runtime = smol)]
async fn other(url: &str) -> usize {
    url.len()
}

fn main() {
    let _: usize = quoted::run("url").unwrap();
    let _: usize = plain::run("url").unwrap();
    let _: usize = other::run("url").unwrap();
}
