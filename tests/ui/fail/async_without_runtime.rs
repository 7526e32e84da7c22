use multiproc::worker;

#[worker]
async fn fetch(url: String) -> usize {
    url.len()
}

fn main() {
    let _: usize = fetch::run("url".to_owned()).unwrap();
}
