use multiproc::Shareable;

#[derive(Shareable)]
enum Tree {
    Leaf,
    Node(Box<Tree>, Box<Tree>),
}

fn main() {}
