use multiproc::worker;

#[worker]
fn first_word(text: &str) -> &str {
    text.split(' ').next().unwrap_or(text)
}

#[worker]
fn version() -> &'static str {
    "1.0"
}

#[worker]
fn words(text: &str) -> Result<Vec<&str>, String> {
    Ok(text.split(' ').collect())
}

fn main() {
    let _: &str = first_word::run("some text").unwrap();
    let _: &str = version::spawn().unwrap().join().unwrap();
    let _: Vec<&str> = words::run("some text").unwrap().unwrap();
}
