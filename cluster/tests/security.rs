//! The configuration of a server that the guide shows: TLS, users, and what each may do.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use multiproc::{ErrorKind, worker};
use multiproc_cluster::{Agent, Cluster, Server};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::support::{Directory, NatsServer, within};
use crate::workers::{bytes, length, square};

const CONFIG: &str = include_str!("../server.conf");

/// Certificates that are made for one test: of an authority, and of the server.
struct Certificates(Directory);

impl Certificates {
    fn new() -> Certificates {
        let directory = Directory::new();
        let write = |name, text: String| fs::write(directory.path().join(name), text).unwrap();
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap());
        let authority = authority.unwrap();
        write("ca.pem", authority.pem());
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(names).unwrap();
        let server = server.signed_by(&key, &authority).unwrap();
        write("server.pem", server.pem());
        write("server.key", key.serialize_pem());
        Certificates(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// A server with the configuration of the guide.
fn secured(certificates: &Certificates) -> NatsServer {
    secured_by(CONFIG, certificates)
}

fn secured_by(config: &str, certificates: &Certificates) -> NatsServer {
    let path = |name: &str| certificates.path(name).display().to_string();
    let config = config
        .replace("/etc/nats/server.pem", &path("server.pem"))
        .replace("/etc/nats/server.key", &path("server.key"));
    // What a test's server has of its own.
    let lines: Vec<_> = config
        .lines()
        .filter(|line| !line.starts_with("jetstream") && !line.starts_with("server_name"))
        .collect();
    NatsServer::with_config(&lines.join("\n"))
}

fn user(url: &str, ca: &Path, name: &str) -> Server {
    Server::new(url)
        .ca_file(ca)
        .password(name, format!("{name}-password"))
        .owner(name)
}

#[worker]
fn secured_agent(url: &str, ca: &Path) {
    let note = ca.with_file_name("trouble");
    Agent::connect(user(url, ca, "agent"))
        .unwrap()
        .workers(1)
        .on_status(move |status| {
            if let Some(trouble) = &status.trouble {
                fs::write(&note, trouble).unwrap();
            }
        })
        .run()
        .unwrap();
}

#[test]
fn tasks_go_over_tls_and_with_permissions() {
    within(120, || {
        let certificates = Certificates::new();
        let server = secured(&certificates);
        let ca = certificates.path("ca.pem");
        let url = server.url().replace("127.0.0.1", "localhost");
        let alice = Cluster::connect(user(&url, &ca, "alice")).unwrap();
        let agent = secured_agent::spawn(&url, &ca).unwrap();
        assert!(alice.wait_for_workers(1, Duration::from_secs(30)));
        let bob = Cluster::connect(user(&url, &ca, "bob")).unwrap();
        assert_eq!(alice.submit(square::call(7)).wait().unwrap(), 49);
        assert_eq!(bob.submit(square::call(8)).wait().unwrap(), 64);
        // Beside the messages, too.
        assert_eq!(
            alice.submit(length::call(vec![0; 2 << 20])).wait().unwrap(),
            2 << 20
        );
        assert_eq!(
            bob.submit(bytes::call(2 << 20)).wait().unwrap().len(),
            2 << 20
        );
        let task = alice.submit(square::call(3));
        task.cancel();
        // The agent may do all that it does.
        std::thread::sleep(Duration::from_millis(1500));
        let trouble = fs::read_to_string(certificates.path("trouble"));
        assert_eq!(trouble.ok(), None);
        drop((alice, bob));
        agent.kill();
        let _ = agent.join();
    });
}

#[test]
fn who_may_not_hand_tasks_to_agents_puts_them_into_the_queue() {
    within(120, || {
        let certificates = Certificates::new();
        let may = "\"multiproc.h.*.*.alice.>\"";
        assert!(CONFIG.contains(may));
        let server = secured_by(&CONFIG.replace(may, ""), &certificates);
        let ca = certificates.path("ca.pem");
        let url = server.url().replace("127.0.0.1", "localhost");
        let alice = Cluster::connect(user(&url, &ca, "alice")).unwrap();
        let agent = secured_agent::spawn(&url, &ca).unwrap();
        assert!(alice.wait_for_workers(1, Duration::from_secs(30)));
        for x in 0..100 {
            assert_eq!(alice.submit(square::call(x)).wait().unwrap(), x * x);
        }
        drop(alice);
        agent.kill();
        let _ = agent.join();
    });
}

#[test]
fn others_are_refused() {
    within(120, || {
        let certificates = Certificates::new();
        let server = secured(&certificates);
        let ca = certificates.path("ca.pem");
        let url = server.url().replace("127.0.0.1", "localhost");
        let refused = |server: Server| {
            let error = Cluster::builder(server)
                .connect_timeout(Duration::from_secs(5))
                .connect();
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Spawn);
        };
        refused(user(&url, &ca, "alice").password("alice", "wrong"));
        refused(Server::new(&url).ca_file(&ca));
        // A server whose certificate no known authority has signed.
        refused(Server::new(&url).password("alice", "alice-password"));
        // There is nothing yet, and agents may not make it.
        refused(user(&url, &ca, "agent"));
    });
}

#[test]
fn an_agent_may_not_submit_and_a_submitter_not_read_what_is_others() {
    within(120, || {
        let certificates = Certificates::new();
        let server = secured(&certificates);
        let ca = certificates.path("ca.pem");
        let url = server.url().replace("127.0.0.1", "localhost");
        // Makes the streams.
        let _alice = Cluster::connect(user(&url, &ca, "alice")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let connect = |name: &'static str| {
                async_nats::ConnectOptions::new()
                    .add_root_certificates(ca.clone())
                    .require_tls(true)
                    .user_and_password(name.to_owned(), format!("{name}-password"))
                    .custom_inbox_prefix(format!("_INBOX.{name}"))
                    .request_timeout(Some(Duration::from_secs(1)))
                    .connect(&url)
            };
            let answers = |client: async_nats::Client,
                           subject: &'static str,
                           text: &'static str| async move {
                client.request(subject, text.into()).await.is_ok()
            };
            let agent = connect("agent").await.unwrap();
            let bob = connect("bob").await.unwrap();
            let alice = connect("alice").await.unwrap();
            let task = "multiproc.t.build.alice.run.0.1";
            assert!(answers(alice.clone(), task, "a task").await);
            assert!(!answers(agent.clone(), task, "a task").await);
            assert!(!answers(bob.clone(), task, "a task").await);
            // What is handed to an agent it hears of those who may.
            let handed = "multiproc.h.build.agent.alice.run.0.1";
            let mut given = agent.subscribe("multiproc.h.build.>").await.unwrap();
            // The server listens for it when it answers what was asked afterwards.
            let other_result = "multiproc.r.alice.run.0.2.r";
            assert!(answers(agent.clone(), other_result, "a result").await);
            alice.publish(handed, "a task".into()).await.unwrap();
            let next = futures_util::StreamExt::next(&mut given).await;
            assert_eq!(next.unwrap().subject.as_str(), handed);
            for other in [&agent, &bob] {
                other.publish(handed, "a task".into()).await.unwrap();
                // What was sent before its answer would have come before it.
                assert!(!answers(other.clone(), task, "a task").await);
            }
            let third_result = "multiproc.r.alice.run.0.3.r";
            assert!(answers(agent.clone(), third_result, "a result").await);
            let next = futures_util::StreamExt::next(&mut given);
            assert!(futures_util::FutureExt::now_or_never(next).is_none());
            let result = "multiproc.r.alice.run.0.1.r";
            assert!(answers(agent.clone(), result, "a result").await);
            assert!(!answers(bob.clone(), result, "a result").await);
            assert!(!answers(alice.clone(), result, "a result").await);
            // Who may not listen hears nothing of what the other hears.
            let mut listening = alice.subscribe("multiproc.r.alice.>").await.unwrap();
            let mut eavesdropping = bob.subscribe("multiproc.r.>").await.unwrap();
            loop {
                agent.publish(result, "a result".into()).await.unwrap();
                let next = futures_util::StreamExt::next(&mut listening);
                if let Ok(heard) = tokio::time::timeout(Duration::from_millis(100), next).await {
                    assert_eq!(heard.unwrap().subject.as_str(), result);
                    break;
                }
            }
            // What was sent before its answer would have come before it.
            assert!(!answers(bob.clone(), result, "a result").await);
            let next = futures_util::StreamExt::next(&mut eavesdropping);
            assert!(
                futures_util::FutureExt::now_or_never(next)
                    .flatten()
                    .is_none()
            );
            let look = "$JS.API.DIRECT.GET.multiproc-records.multiproc.r.alice.run.0.1.r";
            assert!(answers(alice.clone(), look, "").await);
            assert!(!answers(bob.clone(), look, "").await);
            let read = "$JS.API.STREAM.MSG.GET.multiproc-records";
            assert!(!answers(bob.clone(), read, "{\"seq\":1}").await);
            let all = "$JS.API.CONSUMER.CREATE.multiproc-records.mine.multiproc.r.>";
            assert!(!answers(bob.clone(), all, "{}").await);
            let cancel = "multiproc.c.build.alice.run";
            let mut cancelled = agent.subscribe("multiproc.c.*.*.*").await.unwrap();
            assert!(!answers(bob.clone(), cancel, "bob").await);
            let heard = loop {
                alice.publish(cancel, "alice".into()).await.unwrap();
                let next = futures_util::StreamExt::next(&mut cancelled);
                if let Ok(heard) = tokio::time::timeout(Duration::from_millis(100), next).await {
                    break heard.unwrap();
                }
            };
            assert_eq!(&heard.payload[..], b"alice");
        });
    });
}
