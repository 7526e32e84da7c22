use multiproc::worker;

#[worker]
fn parse<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn main() {
    let process = parse::spawn("1").unwrap();
    let _ = process.join();
}
