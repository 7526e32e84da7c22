use multiproc::worker;

#[worker]
fn greet(name: &'static str, rest: &'static [String]) -> usize {
    name.len() + rest.len()
}

fn main() {
    let _: usize = greet::run("Alice", &[]).unwrap();
}
