use multiproc::worker;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Image {
    pixels: Vec<u8>,
}

#[worker]
fn largest<T: Ord + Clone>(values: &[T]) -> Option<T> {
    values.iter().max().cloned()
}

#[worker]
fn count<T, const N: usize>(values: Vec<[T; N]>) -> usize {
    values.len()
}

#[worker]
fn make<T: Default>() -> T {
    T::default()
}

fn all<T: Ord + Clone>(values: &[T]) -> Option<T> {
    largest::run(values).unwrap()
}

fn main() {
    let image = || Image { pixels: vec![] };
    let _ = largest::run(&[image()]).unwrap();
    let _ = count::spawn(vec![[image()]]).unwrap().join().unwrap();
    let _ = make::call::<std::sync::Arc<u8>>().run().unwrap();
    let _ = all(&[1]);
}
