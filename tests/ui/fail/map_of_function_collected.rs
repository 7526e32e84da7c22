use multiproc::{Pool, worker};

#[worker]
fn double(number: u64) -> u64 {
    number * 2
}

fn main() -> multiproc::Result<()> {
    let pool = Pool::new()?;
    let numbers = vec![1, 2, 3];
    let doubled: Vec<u64> = pool.map(double, numbers.clone()).collect::<multiproc::Result<_>>()?;
    for number in pool.map(|number| number + 1, numbers.clone()) {
        println!("{}", number?);
    }
    for number in pool.map_unordered(|number| double(number), numbers).chunk_size(3) {
        println!("{}", number?);
    }
    println!("{doubled:?}");
    Ok(())
}
