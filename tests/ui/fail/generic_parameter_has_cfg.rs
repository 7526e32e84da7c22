use multiproc::worker;

#[worker]
fn count<T, #[cfg(windows)] const N: usize>(values: Vec<T>) -> usize {
    values.len()
}

fn main() {
    let _: usize = count::run(vec![1]).unwrap();
}
