use multiproc::worker;

struct Image {
    pixels: Vec<u8>,
}

impl Image {
    #[worker]
    fn brightness(&self, scale: f64) -> f64 {
        self.pixels.iter().map(|&pixel| f64::from(pixel)).sum::<f64>() * scale
    }

    #[worker]
    fn into_pixels(self: Box<Self>) -> Vec<u8> {
        self.pixels
    }
}

fn main() {
    let image = Box::new(Image { pixels: vec![] });
    let _: f64 = image.brightness(1.0);
    let _: Vec<u8> = image.into_pixels();
}
