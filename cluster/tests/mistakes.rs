//! What goes wrong in the first hour: each is an error in time, and a sentence that says what can be done.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::Duration;
use std::{fs, thread};

use multiproc::{ErrorKind, Result};
use multiproc_cluster::{Agent, AgentStatus, Cluster, Server};

use crate::support::{Directory, NatsServer, wait_until, within};
use crate::workers::square;

/// What submitters and agents are told that cannot connect.
#[track_caller]
fn told(server: impl Into<Server>, sentence: &str) {
    let server = server.into();
    told_submitter(server.clone(), sentence);
    is(Agent::connect(server), sentence);
}

#[track_caller]
fn told_submitter(server: impl Into<Server>, sentence: &str) {
    is(Cluster::connect(server), sentence);
}

#[track_caller]
fn is<T>(connected: Result<T>, sentence: &str) {
    let Err(error) = connected else {
        panic!("it connects: {sentence}");
    };
    assert_eq!(error.kind(), ErrorKind::Spawn);
    let text = error.to_string();
    assert!(text.contains(sentence), "{text}");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn an_address_where_no_server_is() {
    within(60, || {
        told(
            "nats://127.0.0.1:1",
            "no server listens at `nats://127.0.0.1:1`",
        );
        told(
            "nats://nowhere.invalid",
            "no machine has the name in `nats://nowhere.invalid`",
        );
        told(
            "http://127.0.0.1:1",
            "`http://127.0.0.1:1` is no address such as `nats://host:4222`",
        );
        told("127.0.0.1:99999", "is no address");
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("nats://{}", silent.local_addr().unwrap());
        told(address, "does not answer as a NATS server does");
    });
}

#[test]
fn a_user_who_is_refused() {
    within(60, || {
        let config = r#"authorization { users: [
            { user: alice, password: secret }
            { user: bob, password: secret, permissions: { publish: "nothing", subscribe: "_INBOX.>" } }
        ] }"#;
        let server = NatsServer::with_config(config);
        let url = |who: &str| server.url().replace("nats://", &format!("nats://{who}@"));
        told(server.url(), "asks who connects: it needs a user");
        told(
            url("alice:other-secret"),
            "refuses the user `alice`, or the password",
        );
        told(url("secret-token"), "refuses the token");
        told(
            Server::new(server.url()).credentials_file("/nowhere/credentials"),
            "the credentials cannot be read from `/nowhere/credentials`",
        );
        // The server says it, but not in an answer.
        told_submitter(
            url("bob:secret"),
            "does not allow this user what is needed: Permissions Violation for Publish to \"$JS.API.",
        );
        let trouble = trouble_of(url("bob:secret"));
        assert!(trouble.contains("Permissions Violation"), "{trouble}");
        // An address may say who connects.
        Cluster::connect(url("alice:secret")).unwrap();
    });
}

/// Why an agent gets no tasks, as it says itself.
fn trouble_of(server: impl Into<Server>) -> String {
    let (sender, receiver) = std::sync::mpsc::channel();
    let sender = Mutex::new(sender);
    let agent = Agent::connect(server).unwrap();
    let stopper = agent.stopper();
    let agent = agent.workers(1).on_status(move |status: &AgentStatus| {
        if let Some(trouble) = status.trouble.clone() {
            assert!(status.to_string().ends_with(&format!("waits: {trouble}")));
            let _ = sender.lock().unwrap().send(trouble);
        }
    });
    let running = thread::spawn(|| agent.run());
    let trouble = receiver.recv().unwrap();
    stopper.stop();
    running.join().unwrap().unwrap();
    trouble
}

#[test]
fn a_server_that_keeps_nothing() {
    within(60, || {
        let server = NatsServer::without_jetstream();
        told_submitter(server.url(), "JetStream is not enabled at the server");
        let trouble = trouble_of(server.url());
        assert!(trouble.contains("JetStream is not enabled"), "{trouble}");
    });
}

#[test]
fn an_agent_that_is_there_before_any_submitter() {
    within(60, || {
        let server = NatsServer::start();
        let trouble = trouble_of(server.url());
        assert!(
            trouble.contains("the first submitter that connects makes it"),
            "{trouble}"
        );
    });
}

#[test]
fn tls_on_one_side_only() {
    within(60, || {
        let server = NatsServer::start();
        let tls = server.url().replace("nats://", "tls://");
        told(tls, "does not speak TLS, which it is asked for");
        let directory = Directory::new();
        let file = directory.path().join("ca.pem");
        fs::write(&file, "no certificate").unwrap();
        told(
            Server::new(server.url()).ca_file(directory.path().join("missing.pem")),
            "are these files as they should be?",
        );
    });
}

/// A server that says only how old it is, and answers that it is there.
fn old_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = |mut stream: TcpStream| -> std::io::Result<()> {
        let info = r#"{"server_id":"old","server_name":"old","version":"2.10.22","proto":1,"go":"go1","host":"127.0.0.1","port":4222,"headers":true,"jetstream":true,"max_payload":1048576}"#;
        write!(stream, "INFO {info}\r\n")?;
        for line in BufReader::new(stream.try_clone()?).lines() {
            if line?.starts_with("PING") {
                stream.write_all(b"PONG\r\n")?;
            }
        }
        Ok(())
    };
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    format!("nats://{address}")
}

#[test]
fn a_server_that_is_too_old() {
    within(60, || {
        told(
            old_server(),
            "the server is NATS 2.10.22, which loses tasks when it crashes: 2.10.23 or newer is needed",
        );
    });
}

#[test]
fn agents_of_another_build_are_named() {
    within(60, || {
        let server = NatsServer::start();
        let limit = Duration::from_secs(2);
        let cluster = server.builder().agent_timeout(limit).connect().unwrap();
        let task = cluster.submit(square::call(1));
        // What an agent says of itself, but under the name of another build.
        let url = server.url();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        let other = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let client = async_nats::connect(url).await.unwrap();
                while stopped.try_recv().is_err() {
                    client
                        .publish("multiproc.a.other.agent", "".into())
                        .await
                        .unwrap();
                    client.flush().await.unwrap();
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            });
        });
        wait_until("it has ended", || task.is_finished());
        let error = task.wait().unwrap_err();
        stop.send(()).unwrap();
        other.join().unwrap();
        assert_eq!(error.kind(), ErrorKind::Spawn);
        let sentence = "agents of other builds are there, 1 of them: the program must be the same file everywhere";
        assert!(error.to_string().contains(sentence), "{error}");
    });
}
