struct Secret;

struct Sorted<T> {
    values: Vec<T>,
}

#[multiproc::service]
impl<T: Clone> Sorted<T> {
    fn new(values: Vec<T>) -> Self {
        Sorted { values }
    }

    fn first(&self) -> Option<T> {
        self.values.first().cloned()
    }
}

fn main() {
    let sorted = SortedClient::new(vec![Secret]).spawn().unwrap();
    let _ = sorted;
}
