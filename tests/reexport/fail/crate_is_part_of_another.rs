#[facade::multiproc::worker]
fn length(text: &str) -> usize {
    text.len()
}

fn main() {
    let _: usize = length::run("text").unwrap();
}
