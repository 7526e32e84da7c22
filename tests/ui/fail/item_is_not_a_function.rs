use multiproc::worker;

#[worker]
struct Image;

#[worker]
impl Image {
    fn load() {}
}

#[worker]
pub trait Load {}

#[worker]
const LIMIT: u8 = 1;

fn main() {
    let _ = (Image::load(), LIMIT);
}
