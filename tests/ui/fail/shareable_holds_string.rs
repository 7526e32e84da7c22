use multiproc::Shareable;

#[derive(Shareable)]
struct Player {
    name: String,
    score: u64,
}

fn main() {}
