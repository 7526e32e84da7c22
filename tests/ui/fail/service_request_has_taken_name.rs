struct Index;

#[multiproc::service]
impl Index {
    fn client() -> Self {
        Index
    }

    fn id(&self) -> u32 {
        1
    }

    fn shutdown(self, now: bool) -> bool {
        now
    }

    fn kill(&mut self, word: &str) -> usize {
        word.len()
    }
}

fn main() {
    let client = IndexClient::client().spawn().unwrap().client();
    client.id().run().unwrap();
    client.kill("dog").run().unwrap();
    client.shutdown(true).run().unwrap();
}
