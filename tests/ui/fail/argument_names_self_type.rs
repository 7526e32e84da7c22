use multiproc::worker;

#[derive(serde::Serialize, serde::Deserialize)]
struct Image {
    pixels: Vec<u8>,
}

impl Image {
    #[worker]
    fn merge(images: Vec<Self>) -> Self {
        Image {
            pixels: images.into_iter().flat_map(|image| image.pixels).collect(),
        }
    }
}

fn main() {
    let _: Image = Image::merge(Vec::new());
}
