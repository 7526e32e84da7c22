use multiproc::worker;

struct Image;

impl Image {
    #[worker]
    fn load(path: String) -> usize {
        path.len()
    }

    /// With another attribute, and options.
    #[worker(timeout = "1s")]
    #[must_use]
    pub(crate) fn size(&(width, height): &(u32, u32)) -> u32 {
        fn multiply(a: u32, b: u32) -> u32 {
            a * b
        }

        multiply(width, height)
    }
}

trait Decode {
    #[worker]
    fn decode(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }
}

impl Decode for Image {
    #[worker]
    fn decode(bytes: &[u8]) -> String {
        format!("{bytes:?}")
    }
}

fn main() {
    let _: usize = Image::load("path".to_owned());
    let _: u32 = Image::size(&(1, 2));
    let _: String = Image::decode(b"bytes");
}
