//! Where agents, workers, servers and submitters die, or are away for a while. All tasks end, with a result or
//! a truthful error, and none runs more often than it may.

use std::time::{Duration, Instant};

use multiproc::{ErrorKind, Process, Result, TaskState, worker};
use multiproc_cluster::Cluster;

use crate::proxy::{Proxy, Unsure};
use crate::support::{AgentProcess, Directory, NatsServer, cluster, signal, wait_until, within};
use crate::workers::{crash, dies_once, doze, noted, run_more_often, runs, square};

const MILLISECOND: Duration = Duration::from_millis(1);

/// The results of a map of noted calls: all numbers, or an error in its place.
fn check(results: Vec<Result<u64>>, count: u64, may_be: &[ErrorKind]) -> usize {
    assert_eq!(results.len() as u64, count);
    let mut errors = 0;
    for (number, result) in (0..).zip(results) {
        match result {
            Ok(it) => assert_eq!(it, number),
            Err(error) => {
                assert!(may_be.contains(&error.kind()), "{error}");
                errors += 1;
            }
        }
    }
    errors
}

#[test]
fn what_an_agent_had_begun_that_is_killed_is_lost() {
    within(120, || {
        let (server, mut agents, cluster) = cluster(1, 1);
        let task = cluster.submit(doze::call(Duration::from_secs(600)));
        wait_until("it runs", || task.state() == TaskState::Running);
        let _other = AgentProcess::start(&server.url(), 1);
        agents[0].kill();
        let error = task.wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
        assert!(error.to_string().contains("may have run"), "{error}");
    });
}

#[test]
fn a_map_survives_the_end_of_an_agent() {
    within(120, || {
        let (_server, mut agents, cluster) = cluster(2, 1);
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let mut map = cluster.map(|n| noted::call(&notes, n, MILLISECOND), 0..2000_u64);
        let mut results: Vec<_> = map.by_ref().take(200).collect();
        agents[0].kill();
        results.extend(map);
        check(results, 2000, &[ErrorKind::Lost]);
        assert_eq!(run_more_often(&notes, 1), 0);
    });
}

#[test]
fn with_retries_nothing_is_lost_with_an_agent() {
    within(120, || {
        let (_server, mut agents, cluster) = cluster(2, 1);
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let calls = |n| noted::call(&notes, n, MILLISECOND).retries(2);
        let mut map = cluster.map(calls, 0..2000_u64);
        let mut results: Vec<_> = map.by_ref().take(200).collect();
        agents[0].kill();
        results.extend(map);
        assert_eq!(check(results, 2000, &[]), 0);
        assert_eq!(run_more_often(&notes, 2), 0);
    });
}

#[test]
fn a_task_that_is_lost_with_one_agent_after_the_other_is_run_by_the_next() {
    within(120, || {
        let server = NatsServer::start();
        let cluster = server.cluster();
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let pause = Duration::from_secs(3);
        let task = cluster.submit(noted::call(&notes, 1, pause).retries(3));
        for times in 1..=3 {
            let mut agent = AgentProcess::start(&server.url(), 1);
            wait_until("it runs", || runs(&notes).len() == times);
            agent.kill();
        }
        let _last = AgentProcess::start(&server.url(), 1);
        assert_eq!(task.wait().unwrap(), 1);
        assert_eq!(runs(&notes), [1; 4]);
    });
}

#[test]
fn a_worker_that_dies_is_an_error_at_once_or_tried_again() {
    within(60, || {
        let (_server, _agents, cluster) = cluster(1, 1);
        let error = cluster.submit(crash::call()).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signaled);
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let error = cluster
            .submit(dies_once::call(&notes, 1))
            .wait()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signaled);
        assert_eq!(
            cluster
                .submit(dies_once::call(&notes, 2).retries(1))
                .wait()
                .unwrap(),
            2
        );
        assert_eq!(runs(&notes), [1, 2, 2]);
        let error = cluster.submit(crash::call().retries(2)).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signaled);
    });
}

#[test]
fn a_server_that_is_killed_and_comes_back_loses_nothing() {
    within(180, || {
        let (mut server, _agents, cluster) = cluster(2, 1);
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let mut map = cluster.map(|n| noted::call(&notes, n, MILLISECOND), 0..3000_u64);
        let mut results: Vec<_> = map.by_ref().take(500).collect();
        for _ in 0..3 {
            server.kill();
            std::thread::sleep(Duration::from_millis(500));
            server.restart();
            results.extend(map.by_ref().take(400));
        }
        results.extend(map);
        let lost = check(results, 3000, &[ErrorKind::Lost]);
        // What ran was not interrupted.
        assert_eq!(lost, 0);
        assert_eq!(run_more_often(&notes, 1), 0);
        assert_eq!(runs(&notes).len(), 3000);
    });
}

#[test]
fn an_agent_that_does_not_know_whether_it_begins_a_task_runs_it_when_it_does() {
    within(120, || {
        let server = NatsServer::start();
        let proxy = Proxy::before(server.port, Unsure::default());
        let _unsure = AgentProcess::start(&proxy.url(), 1);
        let cluster = server.cluster();
        assert!(cluster.wait_for_workers(1, Duration::from_secs(30)));
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let task = cluster.submit(noted::call(&notes, 1, Duration::ZERO));
        wait_until("it begins the task", || proxy.rules().has_begun());
        // Another is delivered the task as well, and asks.
        let _other = AgentProcess::start(&server.url(), 1);
        assert_eq!(task.wait().unwrap(), 1);
        assert!(proxy.rules().is_over());
        assert!(proxy.rules().questions > 0);
        assert_eq!(runs(&notes), [1]);
    });
}

#[test]
fn a_long_task_outlasts_the_time_to_answer_and_a_crash_of_the_server() {
    within(120, || {
        let (mut server, _agents, cluster) = cluster(2, 1);
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let task = cluster.submit(noted::call(&notes, 1, Duration::from_secs(7)));
        wait_until("it runs", || task.state() == TaskState::Running);
        server.kill();
        server.restart();
        assert_eq!(task.wait().unwrap(), 1);
        assert_eq!(runs(&notes), [1]);
    });
}

#[test]
fn a_task_may_run_longer_than_tasks_are_kept() {
    within(120, || {
        let server = NatsServer::start();
        let age = Duration::from_secs(3);
        let cluster = server.builder().task_age(age).connect().unwrap();
        let mut agent = AgentProcess::start(&server.url(), 1);
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        // It is looked up after ten seconds.
        let task = cluster.submit(noted::call(&notes, 1, Duration::from_secs(15)));
        assert_eq!(task.wait().unwrap(), 1);
        assert_eq!(runs(&notes), [1]);
        let task = cluster.submit(doze::call(Duration::from_secs(600)));
        wait_until("it runs", || task.state() == TaskState::Running);
        agent.kill();
        let _other = AgentProcess::start(&server.url(), 1);
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Lost);
    });
}

#[test]
fn a_server_that_does_not_come_back_is_an_error_in_time() {
    within(120, || {
        let mut server = NatsServer::start();
        let _agent = AgentProcess::start(&server.url(), 1);
        let limit = Duration::from_secs(2);
        let cluster = server.builder().server_timeout(limit).connect().unwrap();
        assert!(cluster.wait_for_workers(1, Duration::from_secs(30)));
        let running = cluster.submit(doze::call(Duration::from_secs(600)));
        let queued = cluster.submit(doze::call(Duration::from_secs(600)));
        wait_until("it runs", || running.state() == TaskState::Running);
        server.kill();
        let late = cluster.submit(square::call(1));
        let begin = Instant::now();
        assert_eq!(running.wait().unwrap_err().kind(), ErrorKind::Lost);
        assert_eq!(queued.wait().unwrap_err().kind(), ErrorKind::Lost);
        let error = late.wait().unwrap_err();
        assert!(
            [ErrorKind::Spawn, ErrorKind::Lost].contains(&error.kind()),
            "{error}"
        );
        assert!(begin.elapsed() < Duration::from_secs(60));
        server.restart();
        // What was given up is not run on.
        assert_eq!(cluster.submit(square::call(3)).wait().unwrap(), 9);
    });
}

#[test]
fn an_agent_that_is_stopped_for_a_while_does_not_run_anything_twice() {
    within(120, || {
        let (_server, agents, cluster) = cluster(2, 1);
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let mut map = cluster.map(|n| noted::call(&notes, n, MILLISECOND), 0..3000_u64);
        let mut results: Vec<_> = map.by_ref().take(200).collect();
        signal("STOP", agents[0].id());
        let resumed = agents[0].id();
        let resume = std::thread::spawn(move || {
            // Longer than the time to answer.
            std::thread::sleep(Duration::from_secs(5));
            signal("CONT", resumed);
        });
        results.extend(map);
        check(results, 3000, &[ErrorKind::Lost]);
        resume.join().unwrap();
        assert_eq!(cluster.submit(square::call(3)).wait().unwrap(), 9);
        assert_eq!(run_more_often(&notes, 1), 0);
    });
}

#[test]
fn nobody_runs_this_build_is_an_error_in_time() {
    within(60, || {
        let server = NatsServer::start();
        let limit = Duration::from_secs(2);
        let cluster = server.builder().agent_timeout(limit).connect().unwrap();
        let begin = Instant::now();
        let error = cluster.submit(square::call(1)).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Spawn, "{error}");
        assert!(
            error.to_string().contains("no agent that runs this build"),
            "{error}"
        );
        assert!(begin.elapsed() >= limit);
        let results: Vec<_> = cluster.map(square::call, 0..3).collect();
        assert!(
            results
                .iter()
                .all(|it| it.as_ref().is_err_and(|it| it.kind() == ErrorKind::Spawn))
        );
    });
}

#[test]
fn the_last_agent_gone_is_an_error_in_time() {
    within(90, || {
        let server = NatsServer::start();
        let mut agent = AgentProcess::start(&server.url(), 1);
        let limit = Duration::from_secs(2);
        let cluster = server.builder().agent_timeout(limit).connect().unwrap();
        let running = cluster.submit(doze::call(Duration::from_secs(600)));
        wait_until("it runs", || running.state() == TaskState::Running);
        let queued = cluster.submit(square::call(2));
        agent.kill();
        assert_eq!(running.wait().unwrap_err().kind(), ErrorKind::Lost);
        assert_eq!(queued.wait().unwrap_err().kind(), ErrorKind::Spawn);
    });
}

/// A submitter that can be killed: submits two tasks, and waits.
#[worker]
fn submitter(url: &str, notes: &std::path::Path) {
    let cluster = Cluster::connect(crate::support::server(url)).unwrap();
    let tasks: Vec<_> = (1..=3)
        .map(|n| {
            cluster.submit(noted::call(
                notes,
                n,
                Duration::from_secs(if n == 1 { 600 } else { 0 }),
            ))
        })
        .collect();
    for task in tasks {
        let _ = task.wait();
    }
}

#[test]
fn the_tasks_of_a_submitter_that_dies_are_cancelled() {
    within(120, || {
        let server = NatsServer::start();
        let url = server.url();
        let _agent = AgentProcess::with_submitter_timeout(&url, 1, Duration::from_secs(2));
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let dying: Process<()> = submitter::spawn(&url, &notes).unwrap();
        wait_until("its first task runs", || runs(&notes) == [1]);
        signal("KILL", dying.id());
        assert!(dying.join().is_err());
        // The only worker is free again, or this would take ten minutes; and has not run what was queued.
        let cluster = server.cluster();
        assert_eq!(cluster.submit(square::call(3)).wait().unwrap(), 9);
        wait_until("it is idle", || {
            cluster.agents().iter().all(|it| it.running == 0)
        });
        assert_eq!(runs(&notes), [1]);
    });
}

#[test]
fn a_slow_submitter_gets_all_results() {
    within(120, || {
        let (_server, _agents, cluster) = cluster(1, 2);
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let mut map = cluster.map(|n| noted::call(&notes, n, MILLISECOND), 0..2000_u64);
        for n in 0..2000_u64 {
            assert_eq!(map.next().unwrap().unwrap(), n);
            if n % 400 == 0 {
                // Now and then longer than agents have to answer.
                std::thread::sleep(Duration::from_millis(if n == 800 { 3000 } else { 700 }));
            }
        }
        assert!(map.next().is_none());
        assert_eq!(runs(&notes).len(), 2000);
        assert_eq!(run_more_often(&notes, 1), 0);
    });
}

#[test]
fn two_submitters_of_the_same_names_do_not_get_into_each_others_way() {
    within(120, || {
        // Owner, prefix and inbox are the same, and so are the numbers of their tasks.
        let (server, _agents, one) = cluster(2, 1);
        let other = server.cluster();
        let directory = Directory::new();
        let notes = ["one", "other"].map(|name| directory.path().join(name));
        let mut ones = one.map(|n| noted::call(&notes[0], n, MILLISECOND), 0..1500_u64);
        let mut others = other.map(|n| noted::call(&notes[1], n, MILLISECOND), 0..1500_u64);
        for n in 0..300 {
            assert_eq!(ones.next().unwrap().unwrap(), n);
            assert_eq!(others.next().unwrap().unwrap(), n);
        }
        // What one cancels, and takes back when it ends, is its own.
        drop(others);
        let again = other.submit(square::call(3));
        assert_eq!(again.wait().unwrap(), 9);
        drop(other);
        let results: Vec<_> = ones.collect();
        assert!((300..1500).eq(results.into_iter().map(Result::unwrap)));
        assert_eq!(runs(&notes[0]).len(), 1500);
        assert!(notes.iter().all(|notes| run_more_often(notes, 1) == 0));
    });
}
