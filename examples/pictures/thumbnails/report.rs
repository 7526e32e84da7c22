//! What the user is told.

use std::fmt::Display;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// A picture of which there is no thumbnail.
pub(crate) struct Failure<'p> {
    pub(crate) picture: &'p Path,
    pub(crate) why: String,
}

/// Prints what was made and what failed, and gives the exit code that says so.
pub(crate) fn print(
    pictures: usize,
    failures: &[Failure<'_>],
    out: &Path,
) -> Result<ExitCode, String> {
    let sheet = out.join("contact-sheet.png");
    let mut lines = vec![
        format!("pictures: {pictures}"),
        format!("thumbnails: {}", pictures - failures.len()),
    ];
    if !failures.is_empty() {
        lines.push(format!("failed: {}", failures.len()));
    }
    for Failure { picture, why } in failures {
        lines.push(format!(
            "  {}: {}",
            harmless(picture.display()),
            harmless(why)
        ));
    }
    lines.push(format!("contact sheet: {}", harmless(sheet.display())));
    write(&lines)?;
    Ok(match failures {
        [] => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

/// Prints that there is nothing to do.
pub(crate) fn print_none(directory: &Path) -> Result<ExitCode, String> {
    write(&[format!(
        "there are no pictures in {}",
        harmless(directory.display())
    )])?;
    Ok(ExitCode::SUCCESS)
}

fn write(lines: &[String]) -> Result<(), String> {
    let mut out = BufWriter::new(io::stdout().lock());
    let written = lines
        .iter()
        .try_for_each(|line| writeln!(out, "{line}"))
        .and_then(|()| out.flush());
    match written {
        // The reader has seen enough, as `head` has.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("cannot print the result: {error}"))
        }
        _ => Ok(()),
    }
}

/// Says what went wrong. A standard error that is closed is no reason to stop.
pub(crate) fn complain(message: impl Display) {
    let _ = writeln!(io::stderr(), "thumbnails: {message}");
}

/// A progress bar, if the standard error is a terminal. It disappears when dropped.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(pictures: usize) -> Progress {
        let style =
            ProgressStyle::with_template("[{wide_bar}] {human_pos} of {human_len} pictures");
        let bar = ProgressBar::new(pictures as u64);
        let bar = bar.with_style(style.expect("the template is well-formed"));
        Progress(bar.with_finish(ProgressFinish::AndClear))
    }

    pub(crate) fn advance(&self) {
        self.0.inc(1);
    }
}

/// Text as it may be printed on a terminal: on one line, without what would steer it.
fn harmless(text: impl Display) -> String {
    text.to_string()
        .trim_end()
        .replace(char::is_control, "\u{fffd}")
}
