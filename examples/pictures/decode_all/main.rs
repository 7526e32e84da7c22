//! How are all files of a directory read by code that cannot be trusted with them?
//!
//! ```text
//! cargo run --release --example decode_all -- DIR
//! ```
//!
//! Workers decode every picture in the directory, each with limits of memory and time. A file that
//! cannot be decoded, takes too long or kills its worker is a line of the table in the end.

use std::error::Error;
use std::io::{Write, stdout};
use std::path::Path;
use std::process::ExitCode;

use indicatif::ProgressIterator;
use multiproc::{Pool, RemoteError, worker};
use walkdir::WalkDir;

#[cfg(test)]
mod tests;

#[worker(memory = "256MiB", timeout = "5s")]
fn decode(path: &Path) -> Result<(), RemoteError> {
    image::ImageReader::open(path)?
        .with_guessed_format()?
        .decode()?;
    Ok(())
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let Some(directory) = std::env::args_os().nth(1) else {
        eprintln!("usage: decode_all DIR");
        return Ok(ExitCode::from(2));
    };
    decode_all(Path::new(&directory), &mut stdout().lock())?;
    Ok(ExitCode::SUCCESS)
}

fn decode_all(directory: &Path, report: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let entries: Result<Vec<_>, _> = WalkDir::new(directory).into_iter().collect();
    let mut files = entries?;
    files.retain(|entry| entry.file_type().is_file());
    let pool = Pool::new()?;
    let decoded = pool.map(|file| decode::call(file.path()), &files);
    let mut failed = Vec::new();
    for (file, decoded) in files.iter().zip(decoded).progress_count(files.len() as u64) {
        // The outer result is that of the process, the inner one that of the worker.
        if let Err(error) = decoded.map_err(RemoteError::from).and_then(|inner| inner) {
            failed.push((file.path().display(), error));
        }
    }
    writeln!(report, "{} of {} files failed", failed.len(), files.len())?;
    for (file, error) in failed {
        writeln!(report, "{file:<30}  {error}")?;
    }
    Ok(())
}
