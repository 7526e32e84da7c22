use multiproc::worker;

#[worker]
fn peek(bytes: *const u8, count: usize, out: Option<*mut u64>) -> bool {
    bytes.is_null() || count == 0 || out.is_none()
}

fn main() {
    let _: bool = peek::run(std::ptr::null(), 0, None).unwrap();
}
