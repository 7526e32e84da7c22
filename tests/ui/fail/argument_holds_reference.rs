use multiproc::worker;

#[worker]
fn greet(name: Option<&str>, others: &[&str], pair: (&[u8], u8)) -> usize {
    name.map_or(0, str::len) + others.len() + pair.0.len()
}

fn main() {
    let _: usize = greet::run(Some("Alice"), &["Bob"], (&[], 1)).unwrap();
}
