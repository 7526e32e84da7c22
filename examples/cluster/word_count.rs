//! How is real work divided over machines?
//!
//! The program of `examples/word_count`, in short, with a cluster in the place of its pool: all but the line that
//! makes the one or the other is the same, and the modules are its. All machines must see the files.
//!
//! ```text
//! cluster_word_count --agent nats://queue:4222               on each machine
//! cluster_word_count --cluster nats://queue:4222 PATH...     once
//! cluster_word_count PATH...                                 on this machine alone
//! ```
//!
//! With `--trace FILE` before the paths, it shows in a file which worker of which machine counted what when, for
//! <https://ui.perfetto.dev>.
//!
//! `examples/cluster/up.sh` runs all of it on one machine.

mod agent;
#[path = "../word_count/count.rs"]
mod count;
#[path = "../word_count/find.rs"]
mod find;
#[path = "../word_count/report.rs"]
#[expect(dead_code, reason = "the statistics are those of a pool")]
mod report;
mod server;
#[path = "../word_count/shards.rs"]
mod shards;
#[path = "../word_count/words.rs"]
mod words;

use std::path::absolute;
use std::process::ExitCode;

use multiproc::{Executor, Pool};
use multiproc_cluster::Cluster;

use self::count::{Count, count_files};
use self::server::server;

fn main() -> ExitCode {
    match run() {
        Ok(exit_code) => exit_code,
        Err(error) => {
            report::complain(error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> multiproc::Result<ExitCode> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match &arguments[..] {
        ["--agent", url] => {
            agent::run(url, Pool::builder())?;
            Ok(ExitCode::SUCCESS)
        }
        ["--cluster", url, "--trace", file, paths @ ..] if !paths.is_empty() => {
            let cluster = Cluster::builder(server(url)).trace(file).connect()?;
            Ok(count_all(&cluster, paths))
        }
        ["--cluster", url, paths @ ..] if are_paths(paths) => {
            Ok(count_all(&Cluster::connect(server(url))?, paths))
        }
        ["--trace", file, paths @ ..] if !paths.is_empty() => {
            Ok(count_all(&Pool::builder().trace(file).build()?, paths))
        }
        paths if are_paths(paths) => Ok(count_all(&Pool::new()?, paths)),
        _ => {
            report::complain(
                "usage: cluster_word_count --agent URL | [--cluster URL] [--trace FILE] PATH...",
            );
            Ok(ExitCode::from(2))
        }
    }
}

fn are_paths(paths: &[&str]) -> bool {
    paths.first().is_some_and(|it| !it.starts_with('-'))
}

/// Counts all files, wherever that is done.
fn count_all<E: Executor>(executor: &E, paths: &[&str]) -> ExitCode {
    // Agents may have been started somewhere else.
    let paths = paths
        .iter()
        .map(|path| absolute(path).map_err(|error| format!("`{path}`: {error}")));
    let paths: Result<Vec<_>, _> = paths.collect();
    let checked = paths.and_then(|paths| find::check(&paths).map(|()| paths));
    let paths = match checked {
        Ok(paths) => paths,
        Err(message) => {
            report::complain(message);
            return ExitCode::from(2);
        }
    };
    let files = find::files(&paths, false, report::complain);
    // There may be more workers than are known now.
    let shards = shards::cut(files, 64);
    let mut total = Count::default();
    for count in executor.map_unordered(|shard| count_files::call(shard.files), shards) {
        match count {
            Ok(count) => total.add(count),
            Err(error) => {
                report::complain(error);
                total.lost_files += 1;
            }
        }
    }
    match report::print(&total) {
        Ok(()) if total.lost_files == 0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
