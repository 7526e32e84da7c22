//! How does one process talk with several others at once?
//!
//! A chat room: each guest is a process with a duplex connection to the room. The room waits for
//! all of them together, passes messages on to the other guests, and notices when a guest leaves,
//! with or without a good-bye.
//!
//! ```text
//! cargo run --example chat
//! ```

use std::error::Error;
use std::thread;
use std::time::Duration;

use multiproc::channel::{Duplex, Source, TryRecvError, duplex, wait};
use multiproc::worker;
use serde::{Deserialize, Serialize};

/// A message from the room to a guest.
#[derive(Clone, Serialize, Deserialize)]
enum Event {
    Said { by: String, what: String },
    Left { who: String },
}

/// Says a few words, answers a question about itself, and leaves when the room has been silent for a
/// while.
#[worker]
fn guest(name: &str, words: &[String], room: Duplex<String, Event>) {
    let (say, events) = room.split();
    for word in words {
        thread::sleep(Duration::from_millis(20));
        if say.send(word.clone()).is_err() {
            return;
        }
    }
    while let Ok(event) = events.recv_timeout(Duration::from_millis(300)) {
        let answer = match event {
            Event::Said { by, what } if what.contains(name) && what.ends_with('?') => {
                format!("I am, {by}!")
            }
            Event::Left { who } if who == "Mallory" => format!("What happened to {who}?"),
            Event::Said { .. } | Event::Left { .. } => continue,
        };
        if say.send(answer).is_err() {
            return;
        }
    }
}

/// Says something and crashes.
#[worker]
fn unlucky(room: Duplex<String, Event>) {
    let (say, _events) = room.split();
    let _ = say.send("I feel strange.".to_owned());
    std::process::abort();
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut room: Vec<(String, Duplex<Event, String>)> = Vec::new();
    let mut processes = Vec::new();
    for (name, words) in [
        ("Alice", vec!["Good morning!", "Is Bob here?"]),
        ("Bob", vec!["Hi."]),
    ] {
        let (ours, theirs) = duplex()?;
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        processes.push(guest::spawn(name, &words, theirs)?);
        room.push((name.to_owned(), ours));
    }
    let (ours, theirs) = duplex()?;
    processes.push(unlucky::spawn(theirs)?);
    room.push(("Mallory".to_owned(), ours));

    while !room.is_empty() {
        let guests: Vec<&dyn Source> = room.iter().map(|(_, guest)| guest as _).collect();
        let ready = wait(&guests, None)?;
        // From the last to the first, so that indices stay valid when a guest is removed.
        for place in ready.into_iter().rev() {
            let name = room[place].0.clone();
            let event = match room[place].1.try_recv() {
                Ok(what) => {
                    println!("{name}: {what}");
                    Event::Said { by: name, what }
                }
                Err(TryRecvError::Empty) => continue,
                Err(_) => {
                    println!("({name} has left)");
                    room.remove(place);
                    Event::Left { who: name }
                }
            };
            for (name, guest) in &room {
                let is_own = matches!(&event, Event::Said { by, .. } if by == name);
                if !is_own {
                    // `wait` will report a guest that has left.
                    let _ = guest.send(event.clone());
                }
            }
        }
    }
    for process in processes {
        let name = process.name().to_owned();
        if let Err(error) = process.join() {
            println!("({name}: {error})");
        }
    }
    Ok(())
}
