use multiproc::worker;

#[worker]
fn items<I>(items: I) -> Vec<I::Item> {
    items.into_iter().collect()
}

fn main() {
    let _ = items::run(vec![1]).unwrap();
}
