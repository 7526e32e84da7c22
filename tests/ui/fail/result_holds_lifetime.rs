use std::borrow::Cow;

use multiproc::worker;

#[worker]
fn trim(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text.trim())
}

fn main() {
    let _: Cow<'_, str> = trim::run(" text ").unwrap();
}
