use multiproc::Shareable;

#[derive(Shareable)]
struct Samples(Option<Vec<f64>>);

fn main() {}
