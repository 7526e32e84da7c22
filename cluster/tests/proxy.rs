//! A way to a server that loses some of its answers.

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Hands on what a client and a server say, but for what is decided here.
pub struct Proxy {
    pub port: u16,
    lost: Arc<Mutex<Lost>>,
}

/// What is lost on the way of the first note that a task begins.
#[derive(Default)]
struct Lost {
    /// Where answers go that are not to arrive.
    replies: HashSet<String>,
    /// That the note was kept, and what is kept.
    answers: usize,
    /// What was asked of the client, of a task.
    questions: usize,
}

/// One message of the protocol: its line, and what follows that.
struct Message {
    line: String,
    rest: Vec<u8>,
}

impl Proxy {
    /// Stands before the server at this port. The first note that a task begins arrives there; but its answer is lost,
    /// and so is that to the question whether it is kept. Until then, nothing is heard of a task being worked on.
    pub fn before(server: u16) -> Proxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let lost = Arc::<Mutex<Lost>>::default();
        let shared = Arc::clone(&lost);
        // It ends with the process, like its connections.
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).unwrap();
                let ends = [&client, &server].map(|end| end.try_clone().unwrap());
                let lost = Arc::clone(&shared);
                thread::spawn(move || hand_on(client, server, |it| lost.lock().unwrap().asks(it)));
                let [client, server] = ends;
                let lost = Arc::clone(&shared);
                thread::spawn(move || hand_on(server, client, |it| lost.lock().unwrap().told(it)));
            }
        });
        Proxy { port, lost }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Whether both answers are lost.
    pub fn is_done(&self) -> bool {
        self.lost.lock().unwrap().is_done()
    }

    /// How often the client was asked whether it runs a task.
    pub fn questions(&self) -> usize {
        self.lost.lock().unwrap().questions
    }
}

impl Lost {
    fn is_done(&self) -> bool {
        self.answers == 2
    }

    /// Whether the server is to hear it.
    fn asks(&mut self, Message { line, rest }: &Message) -> bool {
        let mut words = line.split_whitespace();
        let is_said = matches!(words.next(), Some("PUB" | "HPUB"));
        let (Some(subject), Some(reply), false) = (words.next(), words.next(), self.is_done())
        else {
            return true;
        };
        if is_said && subject.ends_with(".b0") {
            self.replies.insert(reply.to_owned());
        }
        !(is_said && rest.starts_with(b"+WPI"))
    }

    /// Whether the client is to hear it.
    fn told(&mut self, Message { line, .. }: &Message) -> bool {
        let mut words = line.split_whitespace();
        let is_said = matches!(words.next(), Some("MSG" | "HMSG"));
        let subject = words.next().unwrap_or_default();
        if is_said && self.replies.remove(subject) {
            self.answers += 1;
            return false;
        }
        let is_question = subject.contains(".q.") && !subject.ends_with(".all");
        self.questions += usize::from(is_said && is_question);
        true
    }
}

/// Hands on what one says to the other, for as long as both are there.
fn hand_on(from: TcpStream, mut to: TcpStream, mut may_pass: impl FnMut(&Message) -> bool) {
    let mut from = BufReader::new(from);
    while let Ok(Some(message)) = read(&mut from) {
        if may_pass(&message) {
            let bytes = [message.line.as_bytes(), &message.rest].concat();
            if to.write_all(&bytes).is_err() {
                break;
            }
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
