use multiproc::worker;

struct Image {
    _pixels: Vec<u8>,
}

#[worker]
fn by_value(image: Image, factor: f32) -> f32 {
    let _ = image;
    factor
}

#[worker]
fn by_reference(image: &Image) {
    let _ = image;
}

#[worker]
fn elements(image: &[Image]) {
    let _ = image;
}

#[worker]
fn inside(images: std::collections::HashMap<String, Vec<Image>>) {
    let _ = images;
}

#[worker]
fn result() -> Image {
    Image { _pixels: vec![] }
}

#[worker]
fn result_inside() -> Option<Image> {
    None
}

fn main() {
    let image = || Image { _pixels: vec![] };
    let _: f32 = by_value::run(image(), 1.0).unwrap();
    by_reference::run(&image()).unwrap();
    elements::run(&[]).unwrap();
    inside::run(Default::default()).unwrap();
    let _: Image = result::run().unwrap();
    let _: Option<Image> = result_inside::spawn().unwrap().join().unwrap();
}
