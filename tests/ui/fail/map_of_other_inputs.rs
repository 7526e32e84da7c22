use std::path::{Path, PathBuf};

use multiproc::{Pool, worker};

#[worker]
fn double(number: u64) -> u64 {
    number * 2
}

#[worker]
fn decode(path: &Path) -> u64 {
    path.as_os_str().len() as u64
}

fn main() -> multiproc::Result<()> {
    let pool = Pool::new()?;
    let numbers = vec![1, 2, 3];
    let paths: Vec<PathBuf> = vec!["a".into()];
    let doubled: Vec<u64> = pool.map(double::call, &numbers).collect::<multiproc::Result<_>>()?;
    let decoded: Vec<u64> = pool.map(decode::call, &paths).collect::<multiproc::Result<_>>()?;
    for number in pool.map_unordered(double::call, 0_i32..10) {
        println!("{}", number?);
    }
    println!("{doubled:?} {decoded:?}");
    Ok(())
}
