//! How is real work divided over processes?
//!
//! Counts the lines, words and bytes of every text file under the given files and directories, as
//! `wc` does, and the most frequent words:
//!
//! ```text
//! cargo run --release --example word_count -- PATH...
//! ```
//!
//! The files are cut into shards ([`shards`]). The workers of a pool count one shard after another
//! ([`count`]). Should one of them die, the files of its shard are named, another takes its place,
//! and the rest is counted all the same.

mod count;
mod find;
mod report;
mod shards;
mod words;

use std::fmt::Write;
use std::io;
use std::num::NonZero;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use clap::Parser;
use multiproc::Pool;

use self::count::{Count, count_files};
use self::report::Progress;
use self::shards::Shard;

/// Counts lines, words and bytes of text files, in several processes.
///
/// A file is text if there is no NUL byte in it; others are left out. Symbolic links inside of
/// directories are not followed.
///
/// The exit code is 0 if all went well, also if there were files that could not be read: these
/// are named on the standard error. It is 1 if files were not counted because a worker process
/// died, and 2 if the arguments are wrong.
#[derive(Parser)]
struct Arguments {
    /// Files to count, and directories to count all files in
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// How many worker processes there are [default: one for each core]
    #[arg(long, value_name = "N", value_parser = at_least_one, allow_negative_numbers = true)]
    workers: Option<NonZero<usize>>,
}

fn main() -> ExitCode {
    let Arguments { paths, workers } = Arguments::parse();
    if let Err(message) = find::check(&paths) {
        report::complain(message);
        return ExitCode::from(2);
    }
    let files = find::files(&paths, report::complain);
    let pool = Pool::builder().name("word_count");
    let pool = match workers {
        Some(workers) => pool.workers(workers.get()),
        None => pool,
    };
    let pool = match pool.build() {
        Ok(pool) => pool,
        Err(error) => {
            report::complain(error);
            return ExitCode::FAILURE;
        }
    };
    let shards = shards::cut(files, pool.workers());
    let progress = Progress::new(shards.iter().map(|shard| shard.bytes).sum());
    let total = count_all(shards, &pool, &progress);
    progress.finish();

    let exit_code = match total.lost_files {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    };
    match report::print(&total) {
        Ok(()) => exit_code,
        // Whoever reads it has seen enough, as `head` has.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit_code,
        Err(error) => {
            report::complain(format_args!("cannot print the result: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Counts the shards and adds up the counts.
///
/// To add up hundreds of thousands of words is work as well, so there is a thread for each worker: it
/// hands in a shard, waits for its count, adds it up, and takes the next shard.
fn count_all(shards: Vec<Shard>, pool: &Pool, progress: &Progress) -> Count {
    let threads = shards.len().min(pool.workers());
    let shards = Mutex::new(shards.into_iter());
    let next = || shards.lock().unwrap().next();
    let add_up = || {
        let mut total = Count::default();
        while let Some(shard) = next() {
            total.add(count_shard(&shard, pool, progress));
        }
        total
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(add_up)).collect();
        let mut total = Count::default();
        for thread in threads {
            total.add(thread.join().unwrap());
        }
        total
    })
}

/// Counts a shard in a worker. If that dies, the shard's files are not counted, and all else is.
fn count_shard(shard: &Shard, pool: &Pool, progress: &Progress) -> Count {
    let count = pool.submit(count_files::call(shard.files.clone())).wait();
    let count = count.unwrap_or_else(|error| {
        progress.complain(not_counted(shard, &error));
        Count {
            lost_files: shard.files.len(),
            ..Count::default()
        }
    });
    for message in &count.unreadable {
        progress.complain(message);
    }
    progress.advance(shard.bytes);
    count
}

fn not_counted(shard: &Shard, error: &multiproc::Error) -> String {
    let mut message = format!("{error}; it was to count");
    for file in &shard.files {
        let _ = write!(message, "\n  `{}`", file.display());
    }
    message
}

fn at_least_one(text: &str) -> Result<NonZero<usize>, String> {
    text.parse()
        .map_err(|_| "give the number of processes, 1 or more".to_owned())
}
