#[multiproc::service]
struct Index;

#[multiproc::service]
fn find(word: &str) -> usize {
    word.len()
}

trait Find {}

#[multiproc::service]
impl dyn Find {
    fn find(&self) {}
}

fn main() {
    let _ = Index;
    find("dog");
}
