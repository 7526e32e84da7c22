use multiproc::worker;

#[worker]
fn greet(name: &str, #[cfg(windows)] code_page: u32) -> usize {
    #[cfg(windows)]
    let _ = code_page;
    name.len()
}

fn main() {
    let _: usize = greet::run("Alice").unwrap();
}
