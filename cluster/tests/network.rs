//! Three servers, a network that swallows everything for a while, and a server that is full.

use std::thread;
use std::time::Duration;

use multiproc::{ErrorKind, Result, TaskState};
use multiproc_cluster::Cluster;

use crate::machines::{Disk, Network, agent_at, enter};
use crate::support::{AgentProcess, Directory, NatsServer, server, wait_until, within};
use crate::three::{connected_to_three, leader, three};
use crate::workers::{bytes, doze, noted, padded, run_more_often, square};

/// A server that can be reached from all machines.
fn on_network() -> NatsServer {
    NatsServer::with_config("host: 0.0.0.0")
}

#[test]
fn an_agent_that_is_cut_off_for_a_while_does_not_run_anything_twice() {
    within(120, || {
        let network = Network::new();
        let (near, far) = network.places();
        let server = on_network();
        let _near = agent_at(near.as_deref(), &network.near_url(server.port));
        let _far = agent_at(far.as_deref(), &network.far_url(server.port));
        let cluster = server.cluster();
        assert!(cluster.wait_for_workers(2, Duration::from_secs(30)));
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let call = |n| noted::call(&notes, n, Duration::from_millis(1));
        let mut map = cluster.map(call, 0..3000_u64);
        let mut results: Vec<_> = map.by_ref().take(200).collect();
        network.cut();
        results.extend(map);
        network.heal();
        assert_eq!(results.len(), 3000);
        for error in results.into_iter().filter_map(Result::err) {
            assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
        }
        // It comes back.
        assert!(cluster.wait_for_workers(2, Duration::from_secs(60)));
        assert_eq!(run_more_often(&notes, 1), 0);
    });
}

#[test]
fn a_submitter_that_is_cut_off_for_a_while_gets_all_results() {
    within(120, || {
        let network = Network::new();
        let (near, far) = network.places();
        let server = on_network();
        let _agents = [(); 2].map(|()| agent_at(near.as_deref(), &network.near_url(server.port)));
        if let Some(far) = far {
            enter(&far).unwrap();
        }
        let cluster = Cluster::connect(self::server(&network.far_url(server.port))).unwrap();
        assert!(cluster.wait_for_workers(2, Duration::from_secs(30)));
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let call = |n| noted::call(&notes, n, Duration::from_millis(1));
        let mut map = cluster.map(call, 0..2000_u64);
        let mut results: Vec<_> = map.by_ref().take(200).collect();
        network.cut();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_secs(4));
                network.heal();
            });
            results.extend(map);
        });
        let results: Vec<_> = results.into_iter().collect::<Result<_>>().unwrap();
        assert!(results.into_iter().eq(0..2000));
        assert_eq!(run_more_often(&notes, 1), 0);
    });
}

#[test]
fn the_leader_of_three_servers_may_be_killed() {
    within(240, || {
        let mut servers = three();
        let urls: Vec<_> = servers.iter().map(NatsServer::url).collect();
        let urls = urls.join(",");
        let cluster = connected_to_three(&urls);
        let _agents = [AgentProcess::start(&urls, 1), AgentProcess::start(&urls, 1)];
        assert!(cluster.wait_for_workers(2, Duration::from_secs(60)));
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let call = |n| noted::call(&notes, n, Duration::from_millis(1));
        let mut map = cluster.map(call, 0..3000_u64);
        let mut results: Vec<_> = map.by_ref().take(300).collect();
        let leader = leader(&urls);
        servers[leader].kill();
        results.extend(map.by_ref().take(1000));
        servers[leader].restart();
        results.extend(map);
        assert_eq!(results.len(), 3000);
        for error in results.into_iter().filter_map(Result::err) {
            assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
        }
        assert_eq!(run_more_often(&notes, 1), 0);
    });
}

#[test]
fn a_server_that_may_keep_no_more_is_an_error_in_time() {
    within(180, || {
        let server = NatsServer::with_limit("", 4 << 20);
        let _agent = AgentProcess::start(&server.url(), 1);
        let limit = Duration::from_secs(3);
        let cluster = server.builder().server_timeout(limit).connect().unwrap();
        assert!(cluster.wait_for_workers(1, Duration::from_secs(30)));
        // One that runs while there is no room: its result has no place.
        let running = cluster.submit(doze::call(Duration::from_secs(4)));
        wait_until("it runs", || running.state() == TaskState::Running);
        let filling: Vec<_> = (0..16)
            .map(|_| cluster.submit(crate::workers::length::call(vec![0; 400_000])))
            .collect();
        let mut refused = 0;
        for task in filling {
            match task.wait() {
                Ok(length) => assert_eq!(length, 400_000),
                Err(error) => {
                    not_kept(&error);
                    refused += 1;
                }
            }
        }
        assert!(refused > 0);
        running.wait().unwrap();
        // There is room again.
        assert_eq!(cluster.submit(square::call(3)).wait().unwrap(), 9);
        assert_eq!(cluster.submit(bytes::call(10)).wait().unwrap().len(), 10);
    });
}

/// The error of a task that the server did not take, or whose end it did not keep.
#[track_caller]
fn not_kept(error: &multiproc::Error) {
    let kinds = [ErrorKind::Spawn, ErrorKind::Lost];
    assert!(kinds.contains(&error.kind()), "{error}");
}

#[test]
fn a_full_disk_is_an_error_in_time_and_runs_nothing_twice() {
    within(240, || {
        let directory = Directory::new();
        let store = directory.path().join("disk");
        std::fs::create_dir(&store).unwrap();
        let disk = Disk::new(&store, 32);
        let mut server = match &disk {
            Some(disk) => NatsServer::by(disk.prefix(), &store),
            // So little that it is full soon.
            None => NatsServer::with_limit("", 256 << 10),
        };
        let _agents = [(); 2].map(|()| AgentProcess::start(&server.url(), 1));
        let limit = Duration::from_secs(3);
        let cluster = server.builder().server_timeout(limit).connect().unwrap();
        assert!(cluster.wait_for_workers(2, Duration::from_secs(30)));
        let notes = directory.path().join("notes");
        // Their arguments take room.
        let long = vec![7; 10_000];
        let call = |n| padded::call(&notes, n, &long);
        let mut map = cluster.map(call, 0..300_u64);
        let mut results: Vec<_> = map.by_ref().take(50).collect();
        if let Some(disk) = &disk {
            disk.fill();
        }
        results.extend(map);
        assert_eq!(results.len(), 300);
        if disk.is_some() {
            let long = crate::workers::length::call(vec![0; 400_000]);
            not_kept(&cluster.submit(long).wait().unwrap_err());
        } else {
            assert!(results.iter().any(Result::is_err));
        }
        for (number, result) in (0..).zip(results) {
            match result {
                Ok(it) => assert_eq!(it, number),
                Err(error) => not_kept(&error),
            }
        }
        assert_eq!(run_more_often(&notes, 1), 0);
        // A server that could not write keeps nothing more until it is started again.
        if let Some(disk) = &disk {
            disk.free();
            server.kill();
            server.restart();
        }
        assert_eq!(cluster.submit(square::call(3)).wait().unwrap(), 9);
        assert_eq!(run_more_often(&notes, 1), 0);
    });
}
