//! Making all thumbnails, wherever the workers are: a pool and a cluster take the same calls.

use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use image::{DynamicImage, ImageFormat, RgbaImage};
use multiproc::{Executor, RemoteError};

use super::find;
use super::report::{self, Failure, Progress, complain};
use super::sheet::Sheet;
use super::thumbnail::{Thumbnail, make_thumbnail};

/// Makes a thumbnail of each picture in a directory, and writes them and a sheet of all of them to `out`.
pub(crate) fn all<E: Executor>(
    executor: &E,
    directory: &Path,
    out: &Path,
) -> Result<ExitCode, String> {
    let pictures = find::pictures(directory, out, complain);
    if pictures.is_empty() {
        return report::print_none(directory);
    }
    fs::create_dir_all(out).map_err(|error| format!("cannot make `{}`: {error}", out.display()))?;
    let progress = Progress::new(pictures.len());
    let call = |picture: &PathBuf| make_thumbnail::call(directory.join(picture).into_os_string());
    let results = executor.map(call, &pictures);

    let mut sheet = Sheet::new(pictures.len());
    let mut failures = Vec::new();
    for (picture, result) in pictures.iter().zip(results) {
        match look_into(result) {
            Ok(thumbnail) => {
                sheet.add(Some(&thumbnail));
                let mut name = OsString::from(picture);
                name.push(".png");
                write(&out.join(name), &thumbnail.into())?;
            }
            Err(why) => {
                sheet.add(None);
                failures.push(Failure { picture, why });
            }
        }
        progress.advance();
    }
    write(&out.join("contact-sheet.png"), &sheet.into_picture().into())?;
    drop(progress);
    report::print(pictures.len(), &failures, out)
}

/// Says what is wrong with the directories.
pub(crate) fn check(pictures: &Path, out: &Path) -> Result<(), String> {
    find::check(pictures)?;
    if fs::canonicalize(out).is_ok_and(|out| fs::canonicalize(pictures).is_ok_and(|it| it == out)) {
        return Err("OUT is DIR: the thumbnails would be mixed with the pictures".to_owned());
    }
    Ok(())
}

/// A task fails in two ways: its worker returns an error, or does not return.
fn look_into(
    result: multiproc::Result<Result<Thumbnail, RemoteError>>,
) -> Result<RgbaImage, String> {
    result
        .map_err(|error| with_last_words(&error))?
        .map_err(|error| with_cause(error.as_ref()))?
        .into_picture()
        .ok_or_else(|| "its thumbnail has too few pixels".to_owned())
}

/// What happened, and what the worker that died of it has said before.
fn with_last_words(error: &multiproc::Error) -> String {
    let text = with_cause(error);
    match error.stderr_tail().and_then(|tail| tail.lines().last()) {
        Some(words) => format!("{text}; its last words: {words}"),
        None => text,
    }
}

/// What happened, and why.
pub(crate) fn with_cause(error: &dyn Error) -> String {
    match error.source() {
        // Some errors say all that their source says.
        Some(source) if !error.to_string().contains(&source.to_string()) => {
            format!("{error}: {}", with_cause(source))
        }
        _ => error.to_string(),
    }
}

/// Writes a picture, and its directory if need be. What cannot be written whole is removed.
fn write(path: &Path, picture: &DynamicImage) -> Result<(), String> {
    let failed = |error: &dyn Error| format!("cannot write `{}`: {error}", path.display());
    let mut png = Cursor::new(Vec::new());
    picture
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|error| failed(&error))?;
    let write = || {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        let mut file = fs::File::create(path)?;
        file.write_all(png.get_ref())
            .inspect_err(|_| _ = fs::remove_file(path))
    };
    write().map_err(|error: io::Error| failed(&error))
}
