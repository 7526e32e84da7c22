use multiproc::Shareable;

#[derive(Shareable)]
#[shareable(size = 4)]
struct Token(u32);

fn main() {}
