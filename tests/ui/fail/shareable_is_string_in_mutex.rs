use multiproc::sync::Mutex;

fn main() {
    let _mutex = Mutex::new(String::from("a"));
}
