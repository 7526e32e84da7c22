//! How do several processes serve one port, so that none can take down another's connections?
//!
//! The parent opens the port and hands it to every worker; the kernel gives each connection to
//! one of them. A worker that dies takes its own connections with it and no other, and is
//! replaced.
//!
//! ```text
//! cargo run --example prefork_server                      # kills a worker to see what happens
//! cargo run --example prefork_server -- 127.0.0.1:8080    # serves until Ctrl-C
//! ```

use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;

use multiproc::{Fd, Process, RemoteError, worker};

const WORKERS: usize = 4;

/// Answers each line of each connection with the id of this process.
#[worker]
fn serve(listener: Fd<TcpListener>) -> Result<(), RemoteError> {
    let listener = listener.into_inner();
    loop {
        let (connection, _) = listener.accept()?;
        // A connection has a thread of its own, so that the others need not wait for its end.
        std::thread::spawn(move || answer(&connection));
    }
}

fn answer(mut connection: &TcpStream) -> io::Result<()> {
    for line in BufReader::new(connection).lines() {
        line?;
        writeln!(connection, "{}", std::process::id())?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let outcome = match env::args().nth(1) {
        None => demonstrate(),
        Some(address) => serve_for_ever(&address),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("prefork_server: {error}");
            ExitCode::from(2)
        }
    }
}

type Worker = Process<Result<(), RemoteError>>;

fn start(listener: &TcpListener) -> Result<Worker, Box<dyn Error>> {
    Ok(serve::spawn(Fd::new(listener.try_clone()?))?)
}

fn serve_for_ever(address: &str) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(address).map_err(|error| format!("{address}: {error}"))?;
    println!("{WORKERS} workers on {}", listener.local_addr()?);
    std::thread::scope(|scope| {
        let minders: Vec<_> = (0..WORKERS)
            .map(|_| scope.spawn(|| replace_for_ever(&listener).map_err(|error| error.to_string())))
            .collect();
        for minder in minders {
            minder.join().expect("a minder does not panic")?;
        }
        Ok(())
    })
}

/// Keeps one worker alive.
fn replace_for_ever(listener: &TcpListener) -> Result<(), Box<dyn Error>> {
    loop {
        match start(listener)?.join() {
            // The worker cannot go on, and neither could another: the port is at fault.
            Ok(outcome) => return Ok(outcome?),
            Err(error) => eprintln!("{error}; another takes its place"),
        }
    }
}

/// Opens connections until two workers have some, kills one worker, and talks to the rest.
fn demonstrate() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let mut workers = (0..WORKERS)
        .map(|_| start(&listener))
        .collect::<Result<Vec<_>, _>>()?;

    let mut clients = Vec::new();
    while clients.len() < 20
        || clients
            .iter()
            .all(|it: &Client| it.server == clients[0].server)
    {
        clients.push(Client::connect(address)?);
    }
    for worker in &workers {
        let count = clients
            .iter()
            .filter(|client| client.server == worker.id())
            .count();
        println!("worker {} has {count} connections", worker.id());
    }

    let victim = workers
        .iter()
        .position(|worker| worker.id() == clients[0].server);
    let victim = workers.swap_remove(victim.ok_or("a stranger answered")?);
    let id = victim.id();
    victim.kill();
    println!("{}", victim.join().expect_err("it was killed"));
    workers.push(start(&listener)?);
    println!("worker {} takes its place", workers[WORKERS - 1].id());

    let (lost, kept): (Vec<_>, Vec<_>) = clients
        .into_iter()
        .map(|mut client| (client.server, client.ask().is_ok()))
        .partition(|(_, alive)| !alive);
    println!(
        "{} connections lost, all of them of worker {id}",
        lost.len()
    );
    println!(
        "{} connections go on as if nothing had happened",
        kept.len()
    );
    assert!(lost.iter().all(|(server, _)| *server == id));
    assert!(kept.iter().all(|(server, _)| *server != id));
    Client::connect(address)?;
    println!("and new ones are accepted");
    Ok(())
}

/// A connection, and the process that serves it.
struct Client {
    connection: BufReader<TcpStream>,
    server: u32,
}

impl Client {
    fn connect(address: SocketAddr) -> Result<Client, Box<dyn Error>> {
        let connection = BufReader::new(TcpStream::connect(address)?);
        let mut client = Client {
            connection,
            server: 0,
        };
        client.server = client.ask()?;
        Ok(client)
    }

    fn ask(&mut self) -> Result<u32, Box<dyn Error>> {
        self.connection.get_mut().write_all(b"who are you?\n")?;
        let mut line = String::new();
        self.connection.read_line(&mut line)?;
        Ok(line.trim_end().parse()?)
    }
}
