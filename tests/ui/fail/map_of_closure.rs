use multiproc::Pool;

fn main() {
    let pool = Pool::new().unwrap();
    let next = pool.map(|x| x + 1, 0..4);
}
