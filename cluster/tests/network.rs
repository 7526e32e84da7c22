//! Three servers, a network that swallows everything for a while, and a server that is full.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{ErrorKind, Result, TaskState};
use multiproc_cluster::Cluster;

use crate::support::{AgentProcess, Directory, NatsServer, server, wait_until, within};
use crate::workers::{bytes, doze, noted, run_more_often, square};

/// What stands between two of them, and can be cut: then nothing comes through, and neither side is told.
struct Network {
    port: u16,
    is_cut: Arc<AtomicBool>,
}

impl Network {
    fn to(target: u16) -> Network {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_cut = Arc::new(AtomicBool::new(false));
        let cut = Arc::clone(&is_cut);
        thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                let Ok(far) = TcpStream::connect(("127.0.0.1", target)) else {
                    continue;
                };
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let cut = Arc::clone(&cut);
                    thread::spawn(move || pass(from, to, &cut));
                }
            }
        });
        Network { port, is_cut }
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    fn cut(&self, is_cut: bool) {
        self.is_cut.store(is_cut, Ordering::Relaxed);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, is_cut: &AtomicBool) {
    let mut buffer = [0; 1 << 14];
    loop {
        let read = from.read(&mut buffer).unwrap_or(0);
        while is_cut.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(5));
        }
        if read == 0 || to.write_all(&buffer[..read]).is_err() {
            let _ = to.shutdown(Shutdown::Both);
            let _ = from.shutdown(Shutdown::Both);
            return;
        }
    }
}

#[test]
fn an_agent_that_is_cut_off_for_a_while_does_not_run_anything_twice() {
    within(120, || {
        let server = NatsServer::start();
        let network = Network::to(server.port);
        let _near = AgentProcess::start(&server.url(), 1);
        let _far = AgentProcess::start(&network.url(), 1);
        let cluster = server.cluster();
        assert!(cluster.wait_for_workers(2, Duration::from_secs(30)));
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let call = |n| noted::call(&notes, n, Duration::from_millis(1));
        let mut map = cluster.map(call, 0..3000_u64);
        let mut results: Vec<_> = map.by_ref().take(200).collect();
        network.cut(true);
        results.extend(map);
        network.cut(false);
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
        let server = NatsServer::start();
        let network = Network::to(server.port);
        let _agent = AgentProcess::start(&server.url(), 2);
        let cluster = Cluster::connect(self::server(&network.url())).unwrap();
        assert!(cluster.wait_for_workers(2, Duration::from_secs(30)));
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let call = |n| noted::call(&notes, n, Duration::from_millis(1));
        let mut map = cluster.map(call, 0..2000_u64);
        let mut results: Vec<_> = map.by_ref().take(200).collect();
        network.cut(true);
        let heal = Arc::clone(&network.is_cut);
        let healing = thread::spawn(move || {
            thread::sleep(Duration::from_secs(4));
            heal.store(false, Ordering::Relaxed);
        });
        results.extend(map);
        healing.join().unwrap();
        let results: Vec<_> = results.into_iter().collect::<Result<_>>().unwrap();
        assert!(results.into_iter().eq(0..2000));
        assert_eq!(run_more_often(&notes, 1), 0);
    });
}

/// Three servers that are one.
fn three() -> Vec<NatsServer> {
    // Ports that are free, once they are let go of.
    let ports = || {
        let bound: Vec<_> = (0..3)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        bound
            .iter()
            .map(|it| it.local_addr().unwrap().port())
            .collect::<Vec<_>>()
    };
    let ports = ports();
    let routes: Vec<_> = ports
        .iter()
        .map(|port| format!("nats://127.0.0.1:{port}"))
        .collect();
    let start = |(number, port)| {
        NatsServer::with_config(&format!(
            "server_name: n{number}\ncluster {{ name: three, listen: \"127.0.0.1:{port}\", routes: [{}] }}",
            routes.join(", ")
        ))
    };
    ports.iter().enumerate().map(start).collect()
}

#[test]
fn the_leader_of_three_servers_may_be_killed() {
    within(240, || {
        let mut servers = three();
        let urls: Vec<_> = servers.iter().map(NatsServer::url).collect();
        let urls = urls.join(",");
        let mut connected = None;
        wait_until("the servers have found each other", || {
            let connecting = Cluster::builder(server(&urls)).replicas(3).connect();
            connected = connecting.ok();
            connected.is_some()
        });
        let cluster = connected.unwrap();
        let _agents = [AgentProcess::start(&urls, 1), AgentProcess::start(&urls, 1)];
        assert!(cluster.wait_for_workers(2, Duration::from_secs(60)));
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let call = |n| noted::call(&notes, n, Duration::from_millis(1));
        let mut map = cluster.map(call, 0..3000_u64);
        let mut results: Vec<_> = map.by_ref().take(300).collect();
        let leader = leader(&urls);
        let leader: usize = leader.strip_prefix('n').unwrap().parse().unwrap();
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

/// Which server leads the tasks.
fn leader(urls: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let urls: Vec<_> = urls.split(',').map(str::to_owned).collect();
        let context = async_nats::jetstream::new(async_nats::connect(urls).await.unwrap());
        let stream = context.get_stream("multiproc-tasks").await.unwrap();
        stream
            .cached_info()
            .cluster
            .as_ref()
            .unwrap()
            .leader
            .clone()
            .unwrap()
    })
}

#[test]
fn a_full_server_is_an_error_in_time() {
    within(180, || {
        let server = NatsServer::with_limit("", Some(4 << 20));
        let _agent = AgentProcess::start(&server.url(), 1);
        let limit = Duration::from_secs(3);
        let cluster = server.builder().server_timeout(limit).connect().unwrap();
        assert!(cluster.wait_for_workers(1, Duration::from_secs(30)));
        // One that runs while there is no room: its result has no place.
        let running = cluster.submit(doze::call(Duration::from_secs(4)));
        wait_until("it runs", || running.state() == TaskState::Running);
        let begin = Instant::now();
        let filling: Vec<_> = (0..16)
            .map(|_| cluster.submit(crate::workers::length::call(vec![0; 400_000])))
            .collect();
        let mut refused = 0;
        for task in filling {
            match task.wait() {
                Ok(length) => assert_eq!(length, 400_000),
                Err(error) => {
                    assert!(
                        [ErrorKind::Spawn, ErrorKind::Lost].contains(&error.kind()),
                        "{error}"
                    );
                    refused += 1;
                }
            }
        }
        assert!(refused > 0);
        running.wait().unwrap();
        assert!(begin.elapsed() < Duration::from_secs(120));
        // There is room again.
        assert_eq!(cluster.submit(square::call(3)).wait().unwrap(), 9);
        assert_eq!(cluster.submit(bytes::call(10)).wait().unwrap().len(), 10);
    });
}
