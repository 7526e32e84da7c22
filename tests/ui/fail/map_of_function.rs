use multiproc::{Pool, worker};

#[worker]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {
    let pool = Pool::new().unwrap();
    let squares = pool.map(square, 0..4);
}
