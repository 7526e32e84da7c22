use multiproc::worker;

#[worker]
fn greet(name: &&str) -> usize {
    name.len()
}

fn main() {
    let _: usize = greet::run(&"Alice").unwrap();
}
