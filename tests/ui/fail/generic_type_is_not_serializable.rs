use multiproc::worker;

struct Image;

#[worker]
fn paint<T: Clone>(image: Image, _values: Vec<T>) -> Option<T> {
    let _ = image;
    None
}

fn main() {
    paint::run(Image, vec![1]).unwrap();
}
