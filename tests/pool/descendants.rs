//! What the workers of a pool start, and its end.

use std::time::Duration;

use multiproc::channel::{Sender, channel};
use multiproc::{Call, ErrorKind, Pool, worker};
use multiproc_tests::descendants::start_by_all_means;

use crate::{check, eventually, is_running, square};

#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
enum Then {
    Return,
    Abort,
    Wait,
}

#[worker]
fn start_others(then: Then, told: Sender<Vec<u32>>) {
    told.send(start_by_all_means()).unwrap();
    match then {
        Then::Return => {}
        Then::Abort => std::process::abort(),
        Then::Wait => loop {
            std::thread::park();
        },
    }
}

fn are_gone(ids: &[u32]) -> bool {
    assert_eq!(ids.len(), 4);
    !ids.iter().copied().any(is_running)
}

#[test]
fn they_end_with_their_worker_however_that_ends() {
    check(|pool| {
        let pool = pool().workers(1).kill_descendants().build().unwrap();
        let (told, ids) = channel().unwrap();
        let start = |then| start_others::call(then, told.clone());

        let task = pool.submit(start(Then::Wait).timeout(Duration::from_secs(5)));
        let others = ids.recv().unwrap();
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::TimedOut);
        eventually("they are gone", || are_gone(&others));

        let task = pool.submit(start(Then::Wait));
        let others = ids.recv().unwrap();
        assert!(task.cancel());
        eventually("they are gone", || are_gone(&others));

        let task = pool.submit(start(Then::Abort));
        let others = ids.recv().unwrap();
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Signaled);
        eventually("they are gone", || are_gone(&others));

        // A task that has returned is no end of its worker.
        pool.submit(start(Then::Return)).wait().unwrap();
        let others = ids.recv().unwrap();
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
        assert!(others.iter().copied().all(is_running));
        pool.shutdown().unwrap();
        assert!(are_gone(&others));
    });
}

#[test]
fn they_are_gone_when_the_pool_has_been_dropped() {
    check(|pool| {
        let pool = pool().workers(2).kill_descendants().build().unwrap();
        let (told, ids) = channel().unwrap();
        let start = |then| start_others::call(then, told.clone());
        let _running = pool.submit(start(Then::Wait));
        let running = ids.recv().unwrap();
        pool.submit(start(Then::Return)).wait().unwrap();
        let left = ids.recv().unwrap();
        drop(pool);
        assert!(are_gone(&running));
        assert!(are_gone(&left));
    });
}

#[test]
fn they_end_with_a_worker_that_is_replaced() {
    check(|pool| {
        let pool = pool()
            .workers(1)
            .max_tasks_per_worker(1)
            .kill_descendants()
            .build()
            .unwrap();
        let (told, ids) = channel().unwrap();
        for _ in 0..3 {
            let call = start_others::call(Then::Return, told.clone());
            pool.submit(call).wait().unwrap();
            let others = ids.recv().unwrap();
            eventually("they are gone", || are_gone(&others));
        }
    });
}

#[worker]
fn own_a_pool(spawn: bool, told: Sender<Vec<u32>>) {
    let method = if spawn {
        multiproc::StartMethod::Spawn
    } else {
        multiproc::StartMethod::ForkServer
    };
    let pool = Pool::builder()
        .workers(1)
        .start_method(method)
        .kill_descendants()
        .build()
        .unwrap();
    let _ = pool.submit(start_others::call(Then::Wait, told)).wait();
}

#[test]
fn they_end_with_a_program_that_is_killed() {
    crate::within(Duration::from_mins(1), || {
        for spawn in [false, true] {
            let (told, ids) = channel().unwrap();
            let owner = own_a_pool::spawn(spawn, told).unwrap();
            let others = ids.recv().unwrap();
            owner.kill();
            assert_eq!(owner.join().unwrap_err().signal(), Some(9));
            eventually("they are gone", || are_gone(&others));
        }
    });
}

#[test]
fn a_task_cannot_ask_for_it() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let call: Call<'_, u64> = square::call(1).kill_descendants();
        let error = pool.submit(call).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        let instead = "`PoolBuilder::kill_descendants`";
        assert!(error.to_string().contains(instead), "{error}");
    });
}
