//! How are many untrusted files processed, some of them broken or hostile?
//!
//! Makes a thumbnail of every picture under a directory, and a sheet with all of them:
//!
//! ```text
//! cargo run --release --example thumbnails -- DIR OUT
//! ```
//!
//! The workers of a pool decode pictures ([`thumbnail`]), each with a limit of memory, and of time
//! for each picture. A picture that breaks its decoder affects no other: the worker is replaced, the
//! rest goes on, and in the end the program reports which pictures failed and why. The main process
//! writes the files ([`make`]). It receives nothing but pixels.
//!
//! Another command makes pictures to try it with, some of which do harm ([`generate`]):
//!
//! ```text
//! cargo run --release --example thumbnails -- --generate DIR
//! ```

mod find;
mod generate;
mod make;
mod report;
mod sheet;
mod thumbnail;

use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use multiproc::Pool;

use self::report::complain;

/// Makes thumbnails of all pictures under a directory, and a contact sheet.
///
/// Pictures are the files whose names end in .bmp, .gif, .jpeg, .jpg or .png. Symbolic links are
/// not followed; directories that cannot be read are named on the standard error. The thumbnail of
/// DIR/a/b.jpg is OUT/a/b.jpg.png, and OUT/contact-sheet.png shows them all in the order of their
/// names, with a cross for each picture that failed. Files of these names are replaced. OUT may be
/// in DIR; pictures in OUT are skipped then.
///
/// The exit code is 0 if each picture has a thumbnail, 1 if pictures failed or a file could not be
/// written, and 2 if the arguments are wrong.
#[derive(Parser)]
#[command(override_usage = "thumbnails [OPTIONS] <DIR> <OUT>\n       thumbnails --generate <DIR>")]
struct Arguments {
    /// Directory to look for pictures in
    #[arg(value_name = "DIR", required_unless_present = "generate")]
    pictures: Option<PathBuf>,

    /// Directory to write thumbnails to; created if missing
    #[arg(required_unless_present = "generate")]
    out: Option<PathBuf>,

    /// Number of worker processes [default: one for each core]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    workers: Option<NonZero<u32>>,

    /// Memory limit of each worker
    #[arg(long, value_name = "MIB", default_value = "512", value_parser = at_least_one, allow_negative_numbers = true)]
    memory: NonZero<u32>,

    /// Time limit for each picture
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = at_least_one, allow_negative_numbers = true)]
    timeout: NonZero<u32>,

    /// Write which worker did what when to FILE, for <https://ui.perfetto.dev>
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,

    /// Create the directory DIR with pictures to try this with, some of them harmful
    #[arg(long, value_name = "DIR", exclusive = true)]
    generate: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match &arguments {
        Arguments {
            generate: Some(directory),
            ..
        } => generate::directory(directory).map(|()| ExitCode::SUCCESS),
        Arguments {
            pictures: Some(pictures),
            out: Some(out),
            ..
        } => {
            if let Err(message) = make::check(pictures, out) {
                complain(message);
                return ExitCode::from(2);
            }
            pool(&arguments)
                .map_err(|error| make::with_cause(&error))
                .and_then(|pool| make::all(&pool, pictures, out))
        }
        _ => unreachable!("clap asks for both directories"),
    };
    done.unwrap_or_else(|message| {
        complain(message);
        ExitCode::FAILURE
    })
}

fn pool(arguments: &Arguments) -> multiproc::Result<Pool> {
    let memory = u64::from(arguments.memory.get()) << 20;
    let mut pool = Pool::builder()
        .name("thumbnails")
        .memory_limit(memory)
        .stderr_tail(1000)
        // What a decoder keeps or leaks must not be missing for the pictures after.
        .max_memory_per_worker(memory / 4)
        .task_timeout(Duration::from_secs(arguments.timeout.get().into()));
    if let Some(workers) = arguments.workers {
        pool = pool.workers(workers.get() as usize);
    }
    if let Some(trace) = &arguments.trace {
        pool = pool.trace(trace);
    }
    pool.build()
}

fn at_least_one(text: &str) -> Result<NonZero<u32>, String> {
    text.parse()
        .map_err(|_| "give a whole number, 1 or more".to_owned())
}
