use multiproc::Shareable;

#[derive(Shareable)]
struct Task {
    run: fn(u32) -> u32,
}

fn main() {}
