//! What a number or a text is has no other form in an environment.

use multiproc::Pool;

fn main() {
    let _ = Pool::builder().worker_env(|_index| [("THRESHOLD", 0.5)]);
    let _ = Pool::builder().worker_env(|index| [("SHARD", Some(index))]);
}
