use multiproc::{Pool, worker};

#[worker]
fn square(x: u64) -> u64 {
    x * x
}

fn main() {
    let pool = Pool::new().unwrap();
    let numbers = [3, 4];
    let squares = pool.map(square::call, &numbers);
}
