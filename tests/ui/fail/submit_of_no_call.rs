use multiproc::{Pool, worker};

#[worker]
fn double(number: u64) -> u64 {
    number * 2
}

fn main() -> multiproc::Result<()> {
    let pool = Pool::new()?;
    let task = pool.submit(double(3));
    println!("{}", task.wait()?);
    println!("{}", pool.submit(double).wait()?);
    println!("{}", pool.submit(double::call).wait()?);
    println!("{}", pool.submit(|| double(3)).wait()?);
    Ok(())
}
