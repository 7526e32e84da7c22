use multiproc::Shareable;

#[derive(Shareable)]
struct Label<'a> {
    text: &'a str,
}

fn main() {}
