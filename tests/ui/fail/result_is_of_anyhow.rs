use std::fs;

use anyhow::Context;
use multiproc::worker;

#[worker]
fn size(path: &str) -> anyhow::Result<u64> {
    Ok(fs::metadata(path).context("no such file")?.len())
}

#[worker]
fn sizes(paths: Vec<String>) -> Result<Vec<u64>, anyhow::Error> {
    paths.iter().map(|path| size(path)).collect()
}

#[worker]
fn each(paths: Vec<String>) -> Vec<anyhow::Result<u64>> {
    paths.iter().map(|path| size(path)).collect()
}

fn main() -> anyhow::Result<()> {
    let _: u64 = size::run("/").unwrap()?;
    let _: Vec<u64> = sizes::run(vec!["/".to_owned()]).unwrap()?;
    let _: usize = each::run(vec!["/".to_owned()]).unwrap().len();
    Ok(())
}
