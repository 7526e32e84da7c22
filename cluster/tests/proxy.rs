//! A way to a server that loses some of what is said.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

/// Hands on what a client and a server say, but for what its rules keep back.
pub struct Proxy<R> {
    port: u16,
    rules: Arc<Mutex<R>>,
}

/// What is handed on.
pub trait Rules: Send + 'static {
    /// Whether the server is to hear it.
    fn server_hears(&mut self, message: &Message) -> bool;

    /// Whether the client is to hear it.
    fn client_hears(&mut self, _message: &Message) -> bool {
        true
    }

    /// What was kept back, and the server is to hear now.
    fn server_hears_late(&mut self) -> Option<Message> {
        None
    }
}

/// One message of the protocol: its line, and what follows that.
#[derive(Clone)]
pub struct Message {
    line: String,
    rest: Vec<u8>,
}

impl<R: Rules> Proxy<R> {
    /// Stands before the server at this port.
    pub fn before(server: u16, rules: R) -> Proxy<R> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let rules = Arc::new(Mutex::new(rules));
        let shared = Arc::clone(&rules);
        // It ends with the process, like its connections.
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else {
                    continue;
                };
                let ends = [&client, &server].map(|end| {
                    end.set_nodelay(true).unwrap();
                    end.try_clone().unwrap()
                });
                let rules = Arc::clone(&shared);
                let passes = move |it: Message| {
                    let mut rules = rules.lock().unwrap();
                    let is_heard = rules.server_hears(&it);
                    [Some(it).filter(|_| is_heard), rules.server_hears_late()]
                };
                thread::spawn(move || hand_on(client, server, passes));
                let [client, server] = ends;
                let rules = Arc::clone(&shared);
                let passes = move |it: Message| {
                    let is_heard = rules.lock().unwrap().client_hears(&it);
                    [Some(it).filter(|_| is_heard)]
                };
                thread::spawn(move || hand_on(server, client, passes));
            }
        });
        Proxy { port, rules }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub fn rules(&self) -> MutexGuard<'_, R> {
        self.rules.lock().unwrap()
    }
}

impl Message {
    /// The subject under which something is said, and where the answer is to go.
    fn said(&self) -> Option<(&str, Option<&str>)> {
        let words: Vec<_> = self.line.split_whitespace().collect();
        match words[..] {
            ["PUB", subject, _] | ["HPUB", subject, _, _] => Some((subject, None)),
            ["PUB", subject, reply, _] | ["HPUB", subject, reply, _, _] => {
                Some((subject, Some(reply)))
            }
            ["MSG" | "HMSG", subject, ..] => Some((subject, None)),
            _ => None,
        }
    }
}

/// The first note that a task begins arrives; but its answer is lost, and so is that to the question whether it is
/// kept. Until then, nothing is heard of a task being worked on.
#[derive(Default)]
pub struct Unsure {
    /// Where answers go that are not to arrive.
    replies: HashSet<String>,
    lost: usize,
    /// How often the client was asked whether it runs a task.
    pub questions: usize,
}

impl Unsure {
    /// Whether the answer to the note is lost.
    pub fn has_begun(&self) -> bool {
        self.lost > 0
    }

    /// Whether both answers are lost.
    pub fn is_over(&self) -> bool {
        self.lost == 2
    }
}

impl Rules for Unsure {
    fn server_hears(&mut self, message: &Message) -> bool {
        if self.is_over() {
            return true;
        }
        if let Some((subject, Some(reply))) = message.said()
            && subject.ends_with(".b0")
        {
            self.replies.insert(reply.to_owned());
        }
        !message.rest.starts_with(b"+WPI")
    }

    fn client_hears(&mut self, message: &Message) -> bool {
        let subject = message.said().map_or("", |it| it.0);
        self.questions += usize::from(subject.contains(".q.") && !subject.ends_with(".all"));
        let is_lost = self.replies.remove(subject);
        self.lost += usize::from(is_lost);
        !is_lost
    }
}

/// The tasks of a submitter: those that it puts into the queue, and those that it hands to an agent, which can be
/// lost, or their answers.
#[derive(Default)]
pub struct Tasks {
    pub put: usize,
    pub handed: usize,
    /// How many of those that were handed to an agent were not taken.
    pub not_taken: usize,
    pub are_lost: bool,
    pub answers_are_lost: bool,
    pub results_are_lost: bool,
    pub lost_results: usize,
    /// Whether nothing is heard of agents.
    pub is_deaf: bool,
    /// Whether one that is handed to an agent comes after the first question about it.
    pub are_late: bool,
    /// Whether every second question about one is lost.
    pub questions_are_lost: bool,
    /// How many were asked.
    pub questions: usize,
    late: Option<(Message, usize)>,
    replies: HashSet<String>,
}

impl Rules for Tasks {
    fn server_hears(&mut self, message: &Message) -> bool {
        let Some((subject, reply)) = message.said() else {
            return true;
        };
        self.put += usize::from(subject.starts_with("multiproc.t."));
        // A question about one is empty.
        let is_of_one = subject.starts_with("multiproc.h.");
        let is_handed = is_of_one && message.rest != b"\r\n";
        if is_of_one && !is_handed {
            self.questions += 1;
            return !(self.questions_are_lost && self.questions.is_multiple_of(2));
        }
        self.handed += usize::from(is_handed);
        if is_handed {
            self.replies.extend(reply.map(str::to_owned));
        }
        if is_handed && self.are_late {
            self.late = Some((message.clone(), self.questions));
        }
        !(is_handed && (self.are_lost || self.are_late))
    }

    fn server_hears_late(&mut self) -> Option<Message> {
        let questions = self.questions;
        let late = self.late.take_if(|(_, before)| questions > *before);
        late.map(|(message, _)| message)
    }

    fn client_hears(&mut self, message: &Message) -> bool {
        let subject = message.said().map_or("", |it| it.0);
        let is_not_taken = self.replies.remove(subject);
        self.not_taken += usize::from(is_not_taken);
        if self.results_are_lost && subject.starts_with("multiproc.r.") {
            self.lost_results += 1;
            return false;
        }
        let is_of_agent = subject.starts_with("multiproc.a.");
        !(is_not_taken && self.answers_are_lost || is_of_agent && self.is_deaf)
    }
}

/// Hands on what one says to the other, for as long as both are there.
fn hand_on<const N: usize>(
    from: TcpStream,
    mut to: TcpStream,
    mut passes: impl FnMut(Message) -> [Option<Message>; N],
) {
    let mut from = BufReader::new(from);
    while let Ok(Some(message)) = read(&mut from) {
        let messages = passes(message).into_iter().flatten();
        let bytes: Vec<_> = messages
            .flat_map(|it| [it.line.into_bytes(), it.rest].concat())
            .collect();
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

fn read(from: &mut BufReader<TcpStream>) -> io::Result<Option<Message>> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let is_said = ["PUB ", "HPUB ", "MSG ", "HMSG "]
        .iter()
        .any(|verb| line.starts_with(verb));
    let length = line.split_whitespace().last().filter(|_| is_said);
    // And the end of its line.
    let length = length.map_or(0, |it| it.parse::<usize>().unwrap() + 2);
    let mut rest = vec![0; length];
    from.read_exact(&mut rest)?;
    Ok(Some(Message { line, rest }))
}
