use multiproc::Shareable;

#[derive(Shareable)]
union Bits {
    number: u32,
    float: f32,
}

fn main() {}
