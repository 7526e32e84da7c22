use multiproc::Shareable;

#[derive(Shareable)]
struct Label {
    text: &'static str,
}

fn main() {}
