//! A real server, agents in processes of their own, and deadlines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{Process, worker};
use multiproc_cluster::{Agent, Cluster, ClusterBuilder, Server};

/// Runs a test, and ends everything if it takes too long.
pub fn within(seconds: u64, test: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        test();
        let _ = sender.send(());
    });
    match receiver.recv_timeout(Duration::from_secs(seconds)) {
        Ok(()) | Err(RecvTimeoutError::Disconnected) => {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
        Err(RecvTimeoutError::Timeout) => {
            for id in SERVERS.lock().unwrap().iter() {
                signal("KILL", *id);
            }
            eprintln!("the test takes longer than {seconds} seconds");
            std::process::abort();
        }
    }
}

/// The servers that run: by their ids, to be ended in the end.
static SERVERS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Sends a signal to one process.
pub fn signal(signal: &str, id: u32) {
    let mut kill = Command::new("kill");
    let _ = kill
        .arg(format!("-{signal}"))
        .arg(id.to_string())
        .stderr(Stdio::null())
        .status();
}

/// Waits until something is so.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "it takes too long until {what}"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

/// A directory for one test.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new() -> Directory {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Without the library's name: its tests look for files that it has left.
        let name = format!("cluster-tests-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program of the server, put into `target/` if there is none.
fn program() -> PathBuf {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
        // The tests of an example have this file, too.
        let mut above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
        let script =
            above.find_map(|it| Some(it.join(".ci/nats-server")).filter(|it| it.is_file()));
        let script = script.expect("these tests are run in the repository");
        let output = Command::new(script)
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "these tests need a NATS server, and `.ci/nats-server` could not get one: install it, or name it in NATS_SERVER"
        );
        String::from_utf8(output.stdout).unwrap().trim_end().into()
    });
    PROGRAM.clone()
}

/// A server that is being run.
pub struct NatsServer {
    child: Child,
    pub port: u16,
    config: PathBuf,
    data: Directory,
    /// The command that begins it, if it is to be somewhere else.
    prefix: Vec<String>,
}

impl NatsServer {
    /// Starts one with a store of its own.
    pub fn start() -> NatsServer {
        NatsServer::with_config("")
    }

    /// Starts one whose configuration has these lines, too.
    pub fn with_config(lines: &str) -> NatsServer {
        NatsServer::with_jetstream(lines, "")
    }

    /// Starts one that keeps no more than so many bytes.
    pub fn with_limit(lines: &str, limit: u64) -> NatsServer {
        NatsServer::with_jetstream(lines, &format!("max_file_store: {limit}"))
    }

    /// Starts one that keeps what it is given by these rules.
    fn with_jetstream(lines: &str, rules: &str) -> NatsServer {
        let data = Directory::new();
        let store = data.path().join("store").display().to_string();
        let lines = format!("jetstream {{ store_dir: {store:?}, {rules} }}\n{lines}");
        NatsServer::launch(&lines, data, Vec::new())
    }

    /// Starts one that keeps nothing.
    #[allow(dead_code, reason = "not for the examples")]
    pub fn without_jetstream() -> NatsServer {
        NatsServer::launch("", Directory::new(), Vec::new())
    }

    /// Starts one by a command, whose store is this directory.
    #[allow(dead_code, reason = "not for all examples")]
    pub fn by(prefix: Vec<String>, store: &Path) -> NatsServer {
        let store = store.display().to_string();
        let lines = format!("jetstream {{ store_dir: {store:?} }}");
        NatsServer::launch(&lines, Directory::new(), prefix)
    }

    fn launch(lines: &str, data: Directory, prefix: Vec<String>) -> NatsServer {
        let config = data.path().join("server.conf");
        let mut text = format!("{lines}\n");
        if !lines.contains("server_name") {
            text += "server_name: one\n";
        }
        if !lines.contains("host:") {
            text += "host: 127.0.0.1\n";
        }
        fs::write(&config, text).unwrap();
        let (child, port) = launch(&config, -1, data.path(), &prefix);
        NatsServer {
            child,
            port,
            config,
            data,
            prefix,
        }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The number of its process.
    #[allow(dead_code, reason = "for an example")]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it as a crash would.
    pub fn kill(&mut self) {
        signal("KILL", self.child.id());
        self.child.wait().unwrap();
        SERVERS.lock().unwrap().retain(|id| *id != self.child.id());
    }

    /// Starts it again at the same place, with what it has kept.
    pub fn restart(&mut self) {
        let port = i32::from(self.port);
        let (child, _) = launch(&self.config, port, self.data.path(), &self.prefix);
        self.child = child;
    }

    pub fn cluster(&self) -> Cluster {
        self.builder().connect().unwrap()
    }

    pub fn builder(&self) -> ClusterBuilder {
        Cluster::builder(server(&self.url()))
    }
}

/// Connects with a short time to answer, so that tests need not wait for long.
pub fn server(url: &str) -> Server {
    Server::new(url).answer_timeout(Duration::from_secs(2))
}

fn launch(config: &Path, port: i32, directory: &Path, prefix: &[String]) -> (Child, u16) {
    let ports = directory.join("ports");
    fs::create_dir_all(&ports).unwrap();
    let log = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(directory.join("log"))
        .unwrap();
    let program = program().into_os_string();
    let mut words = prefix.iter().map(Into::into).chain([program]);
    let mut child = Command::new(words.next().unwrap())
        .args(words)
        .arg("-c")
        .arg(config)
        .args(["-p", &port.to_string()])
        .arg("--ports_file_dir")
        .arg(&ports)
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    SERVERS.lock().unwrap().push(child.id());
    let file = ports.join(format!("nats-server_{}.ports", child.id()));
    let mut port = None;
    wait_until("the server listens", || {
        let text = fs::read_to_string(&file).unwrap_or_default();
        let ports: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let url = ports["nats"][0].as_str().unwrap_or_default();
        port = url.rsplit(':').next().and_then(|it| it.parse().ok());
        let ended = child.try_wait().unwrap();
        assert!(
            ended.is_none(),
            "{}",
            fs::read_to_string(directory.join("log")).unwrap()
        );
        port.is_some()
    });
    (child, port.unwrap())
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An agent in a process of its own.
#[worker]
fn agent(url: &str, workers: usize, submitter_timeout: Duration) {
    let agent = Agent::connect(server(url)).unwrap();
    agent
        .workers(workers)
        .submitter_timeout(submitter_timeout)
        .run()
        .unwrap();
}

/// An agent, which is killed in the end.
pub struct AgentProcess(Option<Process<()>>);

impl AgentProcess {
    pub fn start(url: &str, workers: usize) -> AgentProcess {
        AgentProcess::with_submitter_timeout(url, workers, Duration::from_secs(30))
    }

    pub fn with_submitter_timeout(url: &str, workers: usize, timeout: Duration) -> AgentProcess {
        AgentProcess(Some(agent::spawn(url, workers, timeout).unwrap()))
    }

    /// One that was started otherwise.
    #[allow(dead_code, reason = "not for all examples")]
    pub fn of(process: Process<()>) -> AgentProcess {
        AgentProcess(Some(process))
    }

    pub fn id(&self) -> u32 {
        self.0.as_ref().unwrap().id()
    }

    pub fn kill(&mut self) {
        if let Some(process) = self.0.take() {
            signal("KILL", process.id());
            let _ = process.join();
        }
    }
}

impl Drop for AgentProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server, agents, and a cluster that has heard them.
pub fn cluster(agents: usize, workers: usize) -> (NatsServer, Vec<AgentProcess>, Cluster) {
    let server = NatsServer::start();
    let agents: Vec<_> = (0..agents)
        .map(|_| AgentProcess::start(&server.url(), workers))
        .collect();
    let cluster = server.cluster();
    let all = agents.len() * workers;
    assert!(cluster.wait_for_workers(all, Duration::from_secs(30)));
    (server, agents, cluster)
}
