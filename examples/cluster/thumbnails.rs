//! How are many untrusted files processed on several machines?
//!
//! The program of `examples/pictures/thumbnails` with a cluster in the place of its pool: all but the line that makes
//! the one or the other is the same, and the modules are its. All machines must see the pictures, by the same
//! names; the thumbnails are written by the program that asks for them.
//!
//! ```text
//! cluster_thumbnails --agent nats://queue:4222                 on each machine
//! cluster_thumbnails --cluster nats://queue:4222 DIR OUT       once
//! cluster_thumbnails DIR OUT                                   on this machine alone
//! ```
//!
//! The limits of memory and time are those of the pool that each agent has: what a hostile picture does to its
//! worker on another machine is reported as if it had been here.
//!
//! `examples/cluster/up.sh --thumbnails DIR OUT` runs all of it on one machine.

mod agent;
#[path = "../pictures/thumbnails/find.rs"]
mod find;
#[path = "../pictures/thumbnails/make.rs"]
mod make;
#[path = "../pictures/thumbnails/report.rs"]
mod report;
mod server;
#[path = "../pictures/thumbnails/sheet.rs"]
mod sheet;
#[path = "../pictures/thumbnails/thumbnail.rs"]
mod thumbnail;

#[cfg(test)]
#[path = "../pictures/thumbnails/generate.rs"]
mod generate;
#[cfg(test)]
mod tests;

use std::path::{Path, absolute};
use std::process::ExitCode;
use std::time::Duration;

use multiproc::{Executor, Pool, PoolBuilder};
use multiproc_cluster::Cluster;

use self::server::server;

const USAGE: &str = "usage: cluster_thumbnails --agent URL | [--cluster URL] DIR OUT";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match &arguments[..] {
        ["--agent", url] => agent::run(url, pool()).map(|()| ExitCode::SUCCESS),
        ["--cluster", url, pictures, out] => {
            Cluster::connect(server(url)).map(|cluster| make_all(&cluster, pictures, out))
        }
        [pictures, out] if !pictures.starts_with('-') => {
            pool().build().map(|pool| make_all(&pool, pictures, out))
        }
        _ => {
            report::complain(USAGE);
            return ExitCode::from(2);
        }
    };
    done.unwrap_or_else(|error| {
        report::complain(make::with_cause(&error));
        ExitCode::FAILURE
    })
}

/// What each machine runs its tasks in.
fn pool() -> PoolBuilder {
    Pool::builder()
        .name("thumbnails")
        .memory_limit(512 << 20)
        .stderr_tail(1000)
        // What a decoder keeps or leaks must not be missing for the pictures after.
        .max_memory_per_worker(128 << 20)
        .task_timeout(Duration::from_secs(5))
}

fn make_all<E: Executor>(executor: &E, pictures: &str, out: &str) -> ExitCode {
    let out = Path::new(out);
    // Agents may have been started somewhere else.
    let made = absolute(pictures).map_err(|error| format!("`{pictures}`: {error}"));
    let checked = made.and_then(|pictures| make::check(&pictures, out).map(|()| pictures));
    let pictures = match checked {
        Ok(pictures) => pictures,
        Err(message) => {
            report::complain(message);
            return ExitCode::from(2);
        }
    };
    make::all(executor, &pictures, out).unwrap_or_else(|message| {
        report::complain(message);
        ExitCode::FAILURE
    })
}
