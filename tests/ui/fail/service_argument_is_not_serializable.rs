struct Secret;

struct Index;

#[multiproc::service]
impl Index {
    fn open(secret: Secret) -> Self {
        drop(secret);
        Index
    }

    fn find(&self, secret: &Secret) -> u64 {
        let _ = secret;
        1
    }

    fn give(&self) -> Vec<Secret> {
        Vec::new()
    }

    fn lock(&self) -> std::sync::Mutex<u8> {
        std::sync::Mutex::new(1)
    }
}

fn main() {
    let index = IndexClient::open(Secret).spawn().unwrap();
    let _ = index.find(&Secret).run();
    let _ = index.give().run();
    let _ = index.lock().run();
}
