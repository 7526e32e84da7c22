//! How is real work divided over processes?
//!
//! Counts the lines, words and bytes of every text file under the given files and directories, and
//! prints the most frequent words:
//!
//! ```text
//! cargo run --release --example word_count -- PATH...
//! ```
//!
//! The files are divided into shards ([`shards`]). The workers of a pool count one shard after
//! another ([`count`]). If a worker dies, the program names the files of its shard, another worker
//! takes its place, and all other files are counted.

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

use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt;
use multiproc::Pool;

use self::count::{Count, count_files};
use self::shards::Shard;

const HELP: &str = "\
Counts lines, words and bytes of text files, in several processes.

Usage: word_count [OPTIONS] PATH...

Arguments:
  PATH...        Files to count, and directories to count all files in

Options:
      --all          Count hidden files, too, and those in directories that are marked as caches
      --workers N    Number of worker processes [default: one for each core]
      --stats        Print what the workers did, on the standard error
      --trace FILE   Write that to a file, too, for https://ui.perfetto.dev
  -h, --help         Print this

Binary files, which contain NUL bytes, are skipped. Symbolic links inside of directories are not
followed.

The exit code is 0 on success, even if some files could not be read: these are named on the standard
error. It is 1 if files were not counted because a worker process died, and 2 if the arguments are
wrong.
";

#[derive(Default)]
struct Arguments {
    paths: Vec<PathBuf>,
    all: bool,
    workers: Option<NonZero<usize>>,
    stats: bool,
    trace: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = match arguments(lexopt::Parser::from_env()) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            report::complain(format_args!("{error}; see --help"));
            return ExitCode::from(2);
        }
    };
    let Arguments {
        paths,
        all,
        workers,
        stats,
        trace,
    } = arguments;
    if let Err(message) = find::check(&paths) {
        report::complain(message);
        return ExitCode::from(2);
    }
    let files = find::files(&paths, all, report::complain);
    let pool = Pool::builder().name("word_count");
    let pool = match workers {
        Some(workers) => pool.workers(workers.get()),
        None => pool,
    };
    let pool = match trace {
        Some(file) => pool.trace(file),
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
    let total = count_all(shards, &pool);
    if stats {
        report::tell(&pool.stats());
    }

    let exit_code = match total.lost_files {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    };
    match report::print(&total) {
        Ok(()) => exit_code,
        // The reader has seen enough, as `head` has.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit_code,
        Err(error) => {
            report::complain(format_args!("cannot print the result: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Counts the shards and adds up the counts.
///
/// Adding up hundreds of thousands of words is work as well, so there is a thread for each worker: it
/// submits a shard, waits for its count, adds it up, and takes the next shard.
fn count_all(shards: Vec<Shard>, pool: &Pool) -> Count {
    let threads = shards.len().min(pool.workers());
    let shards = Mutex::new(shards.into_iter());
    let next = || shards.lock().unwrap().next();
    let add_up = || {
        let mut total = Count::default();
        while let Some(shard) = next() {
            total.add(count_shard(&shard, pool));
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

/// Counts a shard in a worker. If the worker dies, only this shard's files are not counted.
fn count_shard(shard: &Shard, pool: &Pool) -> Count {
    let count = pool.submit(count_files::call(shard.files.clone())).wait();
    let count = count.unwrap_or_else(|error| {
        report::complain(not_counted(shard, &error));
        Count {
            lost_files: shard.files.len(),
            ..Count::default()
        }
    });
    for message in &count.unreadable {
        report::complain(message);
    }
    count
}

fn not_counted(shard: &Shard, error: &multiproc::Error) -> String {
    let mut message = format!("{error}; these files are not counted:");
    for file in &shard.files {
        let _ = write!(message, "\n  `{}`", file.display());
    }
    message
}

/// Reads the arguments; `None` if the help was asked for.
fn arguments(mut parser: lexopt::Parser) -> Result<Option<Arguments>, lexopt::Error> {
    let mut arguments = Arguments::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(path) => arguments.paths.push(path.into()),
            Long("all") => arguments.all = true,
            Long("stats") => arguments.stats = true,
            Long("trace") => arguments.trace = Some(parser.value()?.into()),
            Long("workers") => arguments.workers = Some(parser.value()?.parse()?),
            Short('h') | Long("help") => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    if arguments.paths.is_empty() {
        return Err("no files or directories were given".into());
    }
    Ok(Some(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Option<Arguments>, String> {
        arguments(lexopt::Parser::from_args(words)).map_err(|error| error.to_string())
    }

    #[test]
    fn arguments_are_read() {
        let words = [
            "--workers",
            "3",
            "a",
            "--all",
            "b",
            "--stats",
            "--trace=file",
        ];
        let given = read(&words).unwrap().unwrap();
        assert_eq!(given.paths, ["a", "b"].map(PathBuf::from));
        assert!(given.all);
        assert_eq!(given.workers, NonZero::new(3));
        assert!(given.stats);
        assert_eq!(given.trace, Some(PathBuf::from("file")));
        assert!(read(&["--help"]).unwrap().is_none());
        for wrong in [
            &["--workers", "0", "a"][..],
            &["--workers"],
            &["--trace"],
            &["--none", "a"],
            &[],
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }
}
