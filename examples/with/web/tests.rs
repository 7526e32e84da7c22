//! The service as its clients see it, over loopback.

use std::io::{BufRead, BufReader, ErrorKind, PipeReader, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use multiproc::{Pool, Process, worker};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// A prime that takes longer than any of these tests waits.
const SLOW: u64 = 18_446_744_073_709_551_557;
const LONG: Duration = Duration::from_mins(10);
/// Until then a test is done, or has failed.
const DEADLINE: Duration = Duration::from_mins(3);

/// The service itself, as a process.
#[worker]
fn program(timeout: Duration) {
    let pool = Pool::builder().workers(1).queue_limit(1);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(super::serve("127.0.0.1:0", pool.task_timeout(timeout)))
        .unwrap();
}

/// The service, which has one worker and one place to wait. It ends with this.
struct Service {
    process: Process<()>,
    output: BufReader<PipeReader>,
    address: String,
}

impl Service {
    fn start(timeout: Duration) -> Service {
        let (reader, writer) = std::io::pipe().unwrap();
        let process = program::call(timeout)
            .stdout(writer)
            .timeout(DEADLINE)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut service = Service {
            process,
            output: BufReader::new(reader),
            address: String::new(),
        };
        let line = service.line();
        service.address = line.strip_prefix("http://").unwrap().to_owned();
        service
    }

    /// The next line that the service or its worker prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The process that says next that it factors this number.
    fn worker(&mut self, number: u64) -> OwnedFd {
        let line = self.line();
        let (id, rest) = line
            .strip_prefix("process ")
            .and_then(|line| line.split_once(' '))
            .unwrap_or_else(|| panic!("{line:?}"));
        assert_eq!(rest, format!("factors {number}"));
        let pid = Pid::from_raw(id.parse().unwrap()).unwrap();
        pidfd_open(pid, PidfdFlags::empty()).unwrap()
    }

    fn ask(&self, number: u64) -> Client {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let request = format!("GET /factor?number={number} HTTP/1.1\r\nHost: here\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        Client(stream)
    }
}

/// A client that waits for its answer. When this is dropped, it has gone.
struct Client(TcpStream);

impl Client {
    /// The status and the text of the answer.
    fn answer(mut self) -> (u16, String) {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut text = vec![0; length.unwrap().parse().unwrap()];
        self.0.read_exact(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        (status, text.trim_end().to_owned())
    }
}

fn wait_for_the_end(process: &OwnedFd) {
    let limit = Timespec::try_from(DEADLINE).unwrap();
    let ended = poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&limit)).unwrap();
    assert_eq!(ended, 1, "the process runs on");
}

#[test]
fn answers() {
    let mut service = Service::start(LONG);
    assert_eq!(service.ask(91).answer(), (200, "7".into()));
    let worker = service.worker(91);

    let (status, text) = service.ask(0).answer();
    assert_eq!(status, 500);
    let crash = "worker `smallest_factor` was killed by SIGABRT: abort, in `";
    assert!(text.starts_with(crash), "{text}");
    wait_for_the_end(&worker);

    assert_eq!(service.ask(10_403).answer(), (200, "101".into()));
    let stranger = TcpStream::connect(&service.address).unwrap();
    (&stranger).write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let there_is = "there is /factor?number=91".into();
    assert_eq!(Client(stranger).answer(), (404, there_is));
}

#[test]
fn takes_no_longer_than_it_may() {
    let service = Service::start(Duration::from_secs(3));
    let (status, text) = service.ask(SLOW).answer();
    assert_eq!(status, 504);
    assert!(text.contains("exceeded its timeout"), "{text}");
    // There is one worker: the task that was too slow does not keep it.
    assert_eq!(service.ask(91).answer(), (200, "7".into()));
}

#[test]
fn a_client_that_leaves_ends_its_worker() {
    let mut service = Service::start(LONG);
    let client = service.ask(SLOW);
    let worker = service.worker(SLOW);
    drop(client);
    wait_for_the_end(&worker);
    assert_eq!(service.ask(91).answer(), (200, "7".into()));
}

#[test]
fn says_that_it_has_too_much_to_do() {
    let mut service = Service::start(LONG);
    let running = service.ask(SLOW);
    let worker = service.worker(SLOW);

    // One of them waits, and one is told not to.
    let (sender, answers) = mpsc::channel();
    for number in [77, 77] {
        let (sender, client) = (sender.clone(), service.ask(number));
        thread::spawn(move || sender.send(client.answer()));
    }
    let full = (503, "too many requests wait already".into());
    assert_eq!(answers.recv_timeout(DEADLINE).unwrap(), full);

    drop(running);
    wait_for_the_end(&worker);
    assert_eq!(answers.recv_timeout(DEADLINE).unwrap(), (200, "7".into()));
}

#[test]
fn a_client_that_leaves_before_its_turn_is_forgotten() {
    let mut service = Service::start(LONG);
    let running = service.ask(SLOW);
    let worker = service.worker(SLOW);
    let waiting = service.ask(77);
    // There is room again when it has been forgotten.
    while service.ask(15).answer().0 != 503 {}
    drop(waiting);
    drop(running);
    wait_for_the_end(&worker);
    assert_eq!(service.ask(91).answer(), (200, "7".into()));
    service.worker(91);
}

#[test]
fn ctrl_c_finishes_what_runs() {
    let mut service = Service::start(LONG);
    // The square of a prime, which takes a moment.
    let client = service.ask(32_452_843 * 32_452_843);
    let worker = service.worker(32_452_843 * 32_452_843);
    // As a terminal does, for all of them.
    pidfd_send_signal(&worker, Signal::INT).unwrap();
    pidfd_send_signal(service.process.as_fd(), Signal::INT).unwrap();
    let line = service.line();
    assert!(line.starts_with("finishing "), "{line}");
    assert_eq!(client.answer(), (200, "32452843".into()));
    service.process.join().unwrap();
    let refused = TcpStream::connect(service.address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_second_ctrl_c_finishes_nothing() {
    let mut service = Service::start(LONG);
    let client = service.ask(SLOW);
    let worker = service.worker(SLOW);
    pidfd_send_signal(service.process.as_fd(), Signal::INT).unwrap();
    assert_eq!(service.line(), "finishing 1 requests");
    pidfd_send_signal(service.process.as_fd(), Signal::INT).unwrap();
    service.process.join().unwrap();
    wait_for_the_end(&worker);
    drop(client);
}
