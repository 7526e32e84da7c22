use multiproc::worker;

#[worker]
fn length(text: &str) -> usize {
    text.len()
}

#[worker]
fn length(text: &str) -> usize {
    text.chars().count()
}

fn main() {
    let _: usize = length::run("text").unwrap();
}
