use multiproc::sync::{Mutex, MutexGuard};

fn is_payload<T: multiproc::Payload>() {}

fn main() {
    is_payload::<Mutex<u32>>();
    is_payload::<MutexGuard<'static, u32>>();
}
