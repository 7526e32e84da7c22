use multiproc::worker;

#[worker]
fn print(format: &str, _: ...) -> usize {
    format.len()
}

fn main() {
    let _: usize = print::run("format", 1).unwrap();
    let _: usize = print("format", 1);
}
