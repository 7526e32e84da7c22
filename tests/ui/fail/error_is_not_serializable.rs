use std::fs;
use std::io;
use std::path::Path;

use multiproc::worker;

#[worker]
fn size(path: &Path) -> io::Result<u64> {
    Ok(fs::metadata(path)?.len())
}

fn main() {
    let _: u64 = size::run(Path::new("/")).unwrap().unwrap();
}
