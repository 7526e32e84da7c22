use std::error::Error;

use multiproc::worker;

#[worker]
fn parse(text: &str) -> Result<u64, Box<dyn Error + Send + Sync>> {
    Ok(text.parse()?)
}

#[worker]
fn callback() -> Box<dyn Fn() -> u8> {
    Box::new(|| 1)
}

fn main() {
    let _: u64 = parse::run("1").unwrap().unwrap();
    let _: u8 = callback::run().unwrap()();
}
