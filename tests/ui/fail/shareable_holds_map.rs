use std::collections::HashMap;

use multiproc::Shareable;

#[derive(Shareable)]
struct Index {
    places: HashMap<u32, u32>,
}

fn main() {}
