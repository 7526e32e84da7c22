//! The program, with a real server, agents and pictures of all kinds.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use multiproc::{Process, worker};
use multiproc_cluster::Agent;

use super::{generate, make_all, pool};

#[path = "../../cluster/tests/support.rs"]
#[allow(
    dead_code,
    clippy::pedantic,
    clippy::print_stderr,
    reason = "it is of other tests"
)]
mod support;

use support::{NatsServer, within};

/// What the program is with `--agent`, but for its signals.
#[worker]
fn agent(url: &str) {
    let agent = Agent::connect(url).unwrap();
    agent.pool(pool().workers(2)).run().unwrap();
}

/// A directory of its own, which is removed at the end of the test.
struct Directory(PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// All files in a directory, by their paths within it, and what is in them.
fn files(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = walkdir::WalkDir::new(directory).sort_by_file_name();
    let entries = entries.into_iter().map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(directory).unwrap().to_owned();
            (path, fs::read(entry.path()).unwrap())
        })
        .collect()
}

#[test]
fn a_cluster_makes_what_a_pool_makes() {
    within(180, || {
        let name = format!("cluster_thumbnails-{}", std::process::id());
        let directory = Directory(std::env::temp_dir().join(name));
        fs::create_dir_all(&directory.0).unwrap();
        let path = |name: &str| directory.0.join(name).display().to_string();
        let pictures = path("pictures");
        generate::directory(Path::new(&pictures)).unwrap();

        let server = NatsServer::start();
        let agents: Vec<Process<()>> = (0..2)
            .map(|_| {
                agent::call(&server.url())
                    .kill_on_drop(true)
                    .spawn()
                    .unwrap()
            })
            .collect();
        let cluster = server.cluster();
        assert!(cluster.wait_for_workers(4, Duration::from_mins(1)));
        let remote = make_all(&cluster, &pictures, &path("remote"));
        let local = make_all(&pool().build().unwrap(), &pictures, &path("local"));

        // Some of the pictures fail, there as here.
        assert_eq!(remote, std::process::ExitCode::FAILURE);
        assert_eq!(local, remote);
        let made = files(Path::new(&path("remote")));
        assert!(made.len() > 10);
        assert!(made == files(Path::new(&path("local"))));
        let stats = cluster.stats();
        assert_eq!((stats.open, stats.finished), (0, stats.submitted));
        drop(agents);
    });
}
