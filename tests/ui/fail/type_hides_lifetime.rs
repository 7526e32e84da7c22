use multiproc::worker;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Name<'a>(&'a str);

type Text = &'static str;

#[worker]
fn greet_forever(name: Name<'static>) -> usize {
    name.0.len()
}

#[worker]
fn greet_text(text: Text) -> usize {
    text.len()
}

fn main() {
    let _: usize = greet_forever::run(Name("Alice")).unwrap();
    let _: usize = greet_text::run("Alice").unwrap();
}
