use multiproc::worker;

#[worker]
fn greet(names: Vec<_>) -> usize {
    names.len()
}

fn main() {
    let _: usize = greet::run(vec!["Alice"]).unwrap();
}
