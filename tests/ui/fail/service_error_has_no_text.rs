struct Broken;

struct Index;

type Result<T> = std::result::Result<T, Broken>;

#[multiproc::service]
impl Index {
    fn open() -> std::result::Result<Self, Broken> {
        Err(Broken)
    }

    fn again() -> Result<Self> {
        Err(Broken)
    }
}

fn main() {
    IndexClient::open().spawn().unwrap();
    IndexClient::again().spawn().unwrap();
}
