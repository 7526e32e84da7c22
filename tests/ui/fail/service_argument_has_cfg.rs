struct Index;

#[multiproc::service]
impl Index {
    fn open(#[cfg(unix)] path: &str) -> Self {
        drop(path.len());
        Index
    }

    fn find(&self, #[cfg(unix)] word: &str, #[cfg(not(unix))] length: usize) -> usize {
        word.len()
    }
}

struct Sorted<#[cfg(unix)] T> {
    values: Vec<T>,
}

#[multiproc::service]
impl<#[cfg(unix)] T> Sorted<T> {
    fn new(values: Vec<T>) -> Self {
        Sorted { values }
    }

    fn size(&self) -> usize {
        self.values.len()
    }
}

fn main() {
    let index = IndexClient::open("path").spawn().unwrap();
    index.find("dog").run().unwrap();
    let sorted = SortedClient::new(vec![1]).spawn().unwrap();
    sorted.size().run().unwrap();
}
