//! How are all files of a directory read by code that cannot be trusted with them?
//!
//! ```text
//! cargo run --release --example decode_all -- DIR
//! ```
//!
//! Workers decode every picture, with a limit of memory and of time. What cannot be decoded, takes too
//! long or kills its worker is a line of a table in the end, whatever it is.

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
    let directory = std::env::args_os().nth(1).ok_or("give a directory")?;
    let entries = WalkDir::new(directory).sort_by_file_name();
    let mut files = entries.into_iter().collect::<Result<Vec<DirEntry>, _>>()?;
    files.retain(|file| file.file_type().is_file());

    let memory = 512 << 20;
    let time = Duration::from_secs(5);
    let pool = Pool::builder()
        .memory_limit(memory)
        .task_timeout(time)
        .build()?;
    let bar = ProgressBar::new(files.len() as u64);
    let mut failures = Vec::new();
    for (index, result) in pool.map(|file| decode::call(file.path()), &files).indexed() {
        bar.inc(1);
        // A task fails in two ways: its worker returns an error, or does not return.
        if let Err(why) = result.map_err(RemoteError::from).and_then(|it| it) {
            failures.push((&files[index], why));
        }
    }
    bar.finish_and_clear();
    println!(
        "{} of {} files are no pictures:",
        failures.len(),
        files.len()
    );
    for (file, why) in failures {
        println!("{:<40} {why}", file.path().display());
    }
    Ok(())
}
