//! A network between two machines, and a disk, that a test can spoil: of namespaces of this machine, which need
//! the rights of root. Where these cannot be had, there is something simpler in their place, and the test says so.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use multiproc::worker;
use multiproc_cluster::Agent;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::support::{AgentProcess, server, signal};

/// A process that does nothing but hold a namespace, which ends with it: whatever happens to the test, nothing of
/// it stays for longer than some minutes.
pub struct Namespace {
    holder: Child,
}

impl Namespace {
    fn new(kind: &str) -> io::Result<Namespace> {
        let mut command = Command::new("unshare");
        command.args([kind, "--", "sleep", "300"]);
        let holder = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let namespace = Namespace { holder };
        // It is there when the process is what it was to become, or never.
        for _ in 0..400 {
            let name = format!("/proc/{}/comm", namespace.id());
            if fs::read_to_string(name)?.trim() == "sleep" {
                return Ok(namespace);
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(io::Error::other("`unshare` may not"))
    }

    fn id(&self) -> u32 {
        self.holder.id()
    }

    /// How a program is begun in it.
    pub fn prefix(&self, kind: &str) -> Vec<String> {
        let id = self.id().to_string();
        ["nsenter", "-t", &id, kind, "--"]
            .map(str::to_owned)
            .to_vec()
    }

    fn run(&self, kind: &str, command: &str) -> io::Result<()> {
        let prefix = self.prefix(kind);
        let mut all = Command::new(&prefix[0]);
        all.args(&prefix[1..]).args(command.split_whitespace());
        let output = all.output()?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!("`{command}`: {}", text.trim())))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        signal("KILL", self.id());
        let _ = self.holder.wait();
    }
}

/// Two machines, and what is between them. It can be cut: then nothing comes through, and neither side is told.
pub enum Network {
    /// Two namespaces and a third with a bridge, one of whose ports is taken off.
    Machines {
        near: Namespace,
        far: Namespace,
        switch: Namespace,
    },
    /// A connection by a thread that ceases to pass on what it reads.
    Proxy {
        port: std::sync::OnceLock<u16>,
        is_cut: Arc<AtomicBool>,
    },
}

impl Network {
    /// Makes it. With machines, this thread is on the near one then, and what it starts.
    pub fn new() -> Network {
        match Network::machines() {
            Ok(network) => network,
            Err(error) => {
                eprintln!("there are no network namespaces here ({error}): a proxy is cut instead");
                Network::Proxy {
                    port: std::sync::OnceLock::new(),
                    is_cut: Arc::default(),
                }
            }
        }
    }

    fn machines() -> io::Result<Network> {
        let new = || Namespace::new("--net");
        let (near, far, switch) = (new()?, new()?, new()?);
        let ip = |namespace: &Namespace, command: String| {
            namespace.run("--net", &format!("ip {command}"))
        };
        ip(&switch, "link add bridge type bridge".to_owned())?;
        ip(&switch, "link set bridge up".to_owned())?;
        for (machine, port, address) in [(&near, "port0", 1), (&far, "port1", 2)] {
            let id = machine.id();
            ip(
                &switch,
                format!("link add {port} type veth peer name card netns {id}"),
            )?;
            ip(&switch, format!("link set {port} master bridge up"))?;
            ip(machine, "link set lo up".to_owned())?;
            ip(machine, format!("addr add 10.7.0.{address}/24 dev card"))?;
            ip(machine, "link set card up".to_owned())?;
        }
        enter(&path(&near))?;
        Ok(Network::Machines { near, far, switch })
    }

    /// The address of a server on the near machine that listens everywhere, as it is seen from there.
    pub fn near_url(&self, port: u16) -> String {
        format!("nats://127.0.0.1:{port}")
    }

    /// The same, as it is seen from the far machine.
    pub fn far_url(&self, port: u16) -> String {
        match self {
            Network::Machines { .. } => format!("nats://10.7.0.1:{port}"),
            Network::Proxy { port: own, is_cut } => {
                let own = own.get_or_init(|| proxy(port, is_cut));
                format!("nats://127.0.0.1:{own}")
            }
        }
    }

    /// What a process enters to be on the near machine, and on the far one; see [`enter`].
    pub fn places(&self) -> (Option<PathBuf>, Option<PathBuf>) {
        match self {
            Network::Machines { near, far, .. } => (Some(path(near)), Some(path(far))),
            Network::Proxy { .. } => (None, None),
        }
    }

    pub fn cut(&self) {
        self.set("nomaster", true);
    }

    pub fn heal(&self) {
        self.set("master bridge", false);
    }

    fn set(&self, master: &str, cut: bool) {
        match self {
            Network::Machines { switch, .. } => {
                let command = format!("ip link set port1 {master}");
                switch.run("--net", &command).unwrap();
            }
            Network::Proxy { is_cut, .. } => is_cut.store(cut, Ordering::Relaxed),
        }
    }
}

fn path(namespace: &Namespace) -> PathBuf {
    format!("/proc/{}/ns/net", namespace.id()).into()
}

/// Puts this thread, and those that it starts, on another machine.
pub fn enter(place: &Path) -> io::Result<()> {
    let file = File::open(place)?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
    Ok(())
}

/// Starts an agent with one worker on a machine.
pub fn agent_at(place: Option<&Path>, url: &str) -> AgentProcess {
    AgentProcess::of(run_agent::spawn(place.map(Path::to_owned), url).unwrap())
}

#[worker]
fn run_agent(place: Option<PathBuf>, url: &str) {
    if let Some(place) = place {
        enter(&place).unwrap();
    }
    let agent = Agent::connect(server(url)).unwrap();
    agent.workers(1).run().unwrap();
}

fn proxy(target: u16, is_cut: &Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let cut = Arc::clone(is_cut);
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
    port
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

/// A disk of some megabytes for a server, which can be filled: a file system in memory, that only processes in the
/// same namespace see.
pub struct Disk {
    namespace: Namespace,
    place: PathBuf,
}

impl Disk {
    /// Makes one at this place, which is a directory. `None` if that is not allowed here.
    pub fn new(place: &Path, megabytes: u32) -> Option<Disk> {
        let make = || {
            let namespace = Namespace::new("--mount")?;
            let disk = Disk {
                namespace,
                place: place.to_owned(),
            };
            let place = place.display();
            let command = format!("mount -t tmpfs -o size={megabytes}m tmpfs {place}");
            disk.namespace.run("--mount", &command)?;
            Ok(disk)
        };
        make()
            .inspect_err(|error: &io::Error| {
                eprintln!("there is no file system of its own here ({error}): the server has a limit instead");
            })
            .ok()
    }

    /// How a program is begun that sees it.
    pub fn prefix(&self) -> Vec<String> {
        self.namespace.prefix("--mount")
    }

    /// The file that takes all room that is left, as this process sees it.
    fn filler(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.namespace.id()));
        let place = self.place.strip_prefix("/").unwrap_or(&self.place);
        root.join(place).join("filler")
    }

    /// Leaves no byte.
    pub fn fill(&self) {
        let mut file = File::create(self.filler()).unwrap();
        for size in [1 << 16, 1 << 10, 1] {
            while file.write_all(&vec![7; size]).is_ok() {}
        }
    }

    pub fn free(&self) {
        fs::remove_file(self.filler()).unwrap();
    }
}
