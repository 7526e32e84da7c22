use multiproc::Shareable;

struct Other(u8);

#[derive(Shareable)]
struct Outer {
    number: u32,
    other: Other,
}

fn main() {}
