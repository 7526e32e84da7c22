struct Index;

#[multiproc::service]
impl Index {
    fn find(&self, word: &str) -> u64 {
        word.len() as u64
    }
}

fn main() {
    let find = |client: &IndexClient| client.find("dog").run();
    let _ = find;
}
