use multiproc::Shareable;

#[derive(Shareable)]
struct Node {
    next: *const Node,
}

fn main() {}
