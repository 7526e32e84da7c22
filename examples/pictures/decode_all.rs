//! How are all files of a directory read by code that cannot be trusted with them?
//!
//! ```text
//! cargo run --release --example decode_all -- DIR
//! ```
//!
//! Workers decode every picture in the directory, with a limit of memory, and of time for each. A file
//! that cannot be decoded, takes too long or kills its worker is a line of a table in the end.

use std::path::Path;
use std::time::Duration;

use indicatif::ProgressBar;
use multiproc::{Pool, RemoteError, worker};
use walkdir::{DirEntry, WalkDir};

#[worker]
fn decode(path: &Path) -> Result<(u32, u32), RemoteError> {
    let mut reader = image::ImageReader::open(path)?.with_guessed_format()?;
    reader.no_limits(); // the process has one
    let picture = reader.decode()?;
    Ok((picture.width(), picture.height()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::args_os().nth(1).ok_or("which directory?")?;
    let entries = WalkDir::new(directory).sort_by_file_name().into_iter();
    let mut files = entries.collect::<Result<Vec<DirEntry>, _>>()?;
    files.retain(|entry| entry.file_type().is_file());

    let limited = Pool::builder().memory_limit(512 << 20);
    let pool = limited.task_timeout(Duration::from_secs(5)).build()?;
    let bar = ProgressBar::new(files.len() as u64);
    let mut failures = Vec::new();
    for (file, picture) in files
        .iter()
        .zip(pool.map(|file| decode::call(file.path()), &files))
    {
        bar.inc(1);
        // The outer result is that of the process, the inner one that of the worker.
        if let Err(error) = picture
            .map_err(RemoteError::from)
            .and_then(|picture| picture)
        {
            failures.push((file.path().display(), error));
        }
    }
    bar.finish_and_clear();
    println!(
        "{} of {} files could not be decoded",
        failures.len(),
        files.len()
    );
    for (file, error) in failures {
        println!("{file:<40}  {error}");
    }
    Ok(())
}
