use multiproc::worker;

struct Image;

impl Image {
    #[worker]
    fn load(path: String) -> usize {
        path.len()
    }
}

fn main() {
    let _: usize = Image::load("path".to_owned());
}
