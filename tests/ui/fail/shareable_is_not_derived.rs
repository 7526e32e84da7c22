use multiproc::sync::Mutex;

struct Plain(u32);

fn main() {
    let _mutex = Mutex::new(Plain(1));
}
