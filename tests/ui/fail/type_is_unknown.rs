use multiproc::worker;

#[worker]
fn resize(image: Image, factor: f32) -> Thumbnail {
    image.resize(factor)
}

fn main() {
    let process = resize::spawn((), 0.5).unwrap();
    let _ = process.join().unwrap();
}
