//! Workers that die again and again, and when a pool gives up.

use std::fs;
use std::path::Path;
use std::time::Duration;

use multiproc::{ErrorKind, worker};

use crate::{check, eventually, folder, is_running, kill, square};

/// Notes in a folder that a worker has got so far.
fn note(folder: &str) {
    fs::write(Path::new(folder).join(std::process::id().to_string()), "").unwrap();
}

#[worker]
fn note_and_crash(folder: String) {
    note(&folder);
    std::process::abort();
}

#[worker]
fn note_and_work(folder: String) {
    note(&folder);
}

#[test]
fn an_initializer_that_crashes_is_tried_a_few_times_in_all() {
    check(|pool| {
        let folder = folder("crashes");
        let initializer = note_and_crash::call(folder.to_str().unwrap().to_owned());
        let pool = pool().workers(4).initializer(initializer).build().unwrap();
        let error = pool.submit(square::call(1)).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signaled, "{error}");
        assert!(pool.shutdown().is_err());
        let tries = fs::read_dir(&folder).unwrap().count();
        // All at once, and then one at a time.
        assert!((5..=8).contains(&tries), "{tries}");
        fs::remove_dir_all(folder).unwrap();
    });
}

#[test]
fn a_worker_that_dies_after_a_healthy_life_is_replaced_however_often() {
    check(|pool| {
        let folder = folder("healthy");
        let initializer = note_and_work::call(folder.to_str().unwrap().to_owned());
        let pool = pool().workers(1).initializer(initializer).build().unwrap();
        for _ in 0..10 {
            let is_ready = |id: &u32| folder.join(id.to_string()).exists() && is_running(*id);
            eventually("it is ready", || pool.worker_ids().iter().any(is_ready));
            // It has nothing to do, and lives on.
            std::thread::sleep(Duration::from_millis(250));
            let id = pool.worker_ids()[0];
            kill(id);
            eventually("it is replaced", || {
                pool.worker_ids().first().is_some_and(|it| *it != id)
            });
        }
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
        assert_eq!(pool.stats().restarts(), 10);
        pool.shutdown().unwrap();
        fs::remove_dir_all(folder).unwrap();
    });
}

#[test]
fn a_task_of_which_workers_die_while_they_receive_it_fails_alone() {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Longer than a worker has room for.
    struct Large;

    impl Serialize for Large {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(&vec![1; 150 << 20])
        }
    }

    impl<'de> Deserialize<'de> for Large {
        fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Large, D::Error> {
            Ok(Large)
        }
    }

    #[worker]
    fn receive(_: Large) {}

    check(|pool| {
        let pool = pool().workers(2).memory_limit(100 << 20).build().unwrap();
        let large = pool.submit(receive::call(Large));
        assert!(large.wait().is_err());
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
        pool.shutdown().unwrap();
    });
}
