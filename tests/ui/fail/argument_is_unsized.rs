use multiproc::worker;

#[worker]
fn greet(name: str) -> usize {
    name.len()
}

#[worker]
fn sum(numbers: [u64]) -> u64 {
    numbers.iter().sum()
}

#[worker]
fn text() -> str {
    *"text"
}

fn main() {
    let _: usize = greet::run("Alice").unwrap();
    let _: u64 = sum::run([1, 2]).unwrap();
    let _ = text::run().unwrap();
}
