//! Many clients of a service that is killed all the time.
//!
//! Each request is counted in memory that all share when it begins, so a request is *doubled* if it was begun
//! twice, and *lost* if it ends without having been begun and no death can be blamed. What it answers tells
//! which object ran it and what that had run before. So it is known of each request, however it ended,
//! whether that can be: the model is what follows from one object after the other, each taking requests
//! from one queue, and being killed at any time.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use multiproc::channel::{Sender, channel};
use multiproc::shm::Shared;
use multiproc::{Error, ErrorKind, StartMethod, service, worker};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::subject::{LONG, MANY, eventually, signal};
use crate::support::{cases, descriptors};

cases! {
    each_request_ends_once_and_with_the_truth
}

/// How many requests: as many as fit some seconds, or what `MULTIPROC_SERVICE_SOAK` says.
fn requests() -> usize {
    std::env::var("MULTIPROC_SERVICE_SOAK").map_or(2000, |count| count.parse().unwrap())
}

const PROCESSES: usize = 4;
const THREADS: usize = 4;

/// How often each request was begun, and by which object, the first one being 1.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Records {
    begun: Shared<[AtomicU32]>,
    objects: Shared<AtomicU32>,
}

/// What an answer tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Answer {
    number: usize,
    /// The object, and which of its requests this was.
    object: u32,
    place: u32,
    padding: Vec<u8>,
}

struct Counted {
    records: Records,
    object: u32,
    places: u32,
}

#[service(queue = 16)]
impl Counted {
    fn new(records: Records) -> Self {
        let object = records.objects.fetch_add(1, SeqCst) + 1;
        Counted {
            records,
            object,
            places: 0,
        }
    }

    fn ask(&mut self, number: usize, padding: Vec<u8>, panics: bool) -> Answer {
        self.records.begun[number].fetch_add(1, SeqCst);
        self.places += 1;
        if panics {
            std::panic::resume_unwind(Box::new(format!("the panic of {number}")));
        }
        Answer {
            number,
            object: self.object,
            place: self.places,
            padding,
        }
    }
}

/// Numbers that are hard to foretell.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        // Marsaglia's xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum End {
    Answer(u32, u32),
    Killed,
    Panicked(String),
    TimedOut(String),
    Dropped,
    Notified,
    Wrong(String),
}

/// A request, by its thread.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Ended {
    number: usize,
    panics: bool,
    end: End,
}

fn end(number: usize, padding: &[u8], result: Result<Answer, Error>) -> End {
    match result {
        Ok(answer) if answer.number == number && answer.padding == padding => {
            End::Answer(answer.object, answer.place)
        }
        Ok(answer) => End::Wrong(format!("the answer of {}", answer.number)),
        Err(error) => match error.kind() {
            ErrorKind::Signaled if error.signal() == Some(libc::SIGKILL) => End::Killed,
            ErrorKind::Panicked => End::Panicked(error.panic().unwrap().message().to_owned()),
            ErrorKind::TimedOut => End::TimedOut(error.to_string()),
            _ => End::Wrong(error.to_string()),
        },
    }
}

/// Sends requests one after the other, some of them together.
fn send(client: &CountedClient, numbers: Vec<usize>, seed: u64, ended: &Sender<Vec<Ended>>) {
    let mut dice = Dice(seed | 1);
    for group in numbers.chunks(20) {
        let (mut ends, mut started) = (Vec::new(), Vec::new());
        for &number in group {
            let panics = dice.below(200) == 0;
            let length = [3, 3, 3, 300, 30_000][dice.below(5) as usize];
            let padding = vec![number as u8; length];
            let request = client.ask(number, padding.clone(), panics);
            let end = match dice.below(10) {
                0..=3 => end(number, &padding, request.run()),
                4 => end(number, &padding, smol::block_on(request.into_future())),
                5 => {
                    let limit = Duration::from_micros(dice.below(2000));
                    end(number, &padding, request.timeout(limit).run())
                }
                6 => {
                    request.notify().unwrap();
                    End::Notified
                }
                7 => {
                    drop(request.start());
                    End::Dropped
                }
                _ => {
                    started.push((number, panics, padding, request.start()));
                    continue;
                }
            };
            ends.push(Ended {
                number,
                panics,
                end,
            });
        }
        for (number, panics, padding, pending) in started {
            let end = end(number, &padding, pending.wait());
            ends.push(Ended {
                number,
                panics,
                end,
            });
        }
        ended.send(ends).unwrap();
    }
}

/// A process of clients.
#[worker]
fn send_from_threads(
    client: CountedClient,
    numbers: Vec<Vec<usize>>,
    seed: u64,
    ended: Sender<Vec<Ended>>,
) {
    thread::scope(|scope| {
        for (place, numbers) in (1..).zip(numbers) {
            let (client, ended) = (&client, ended.clone());
            scope.spawn(move || send(client, numbers, seed.wrapping_mul(place), &ended));
        }
    });
}

/// Whether a request can have ended so.
fn judge(request: &Ended, begun: u32, objects: u32) -> Result<(), String> {
    let is_possible = begun <= 1
        && match &request.end {
            End::Answer(object, _) => begun == 1 && !request.panics && *object <= objects,
            // It can have been killed right before it began to count, or after it had answered.
            End::Killed => true,
            // One panicked that ran, and no other; or the panic of one whose answer was not wanted.
            End::Panicked(text) => {
                *text == format!("the panic of {}", request.number) && begun == 1
            }
            End::TimedOut(text) => {
                // The last one is that of a process that is not known yet.
                let never = text.ends_with(": it had not begun")
                    || text.contains("could not be sent")
                    || text.contains("has not answered in time");
                (begun == 0 || !never) && (never || text.ends_with(": it may run on"))
            }
            End::Dropped | End::Notified => true,
            End::Wrong(_) => false,
        };
    if is_possible {
        Ok(())
    } else {
        Err(format!("{request:?}, begun {begun} times"))
    }
}

fn each_request_ends_once_and_with_the_truth(method: StartMethod) {
    let count = requests();
    let seed = RandomState::new().hash_one(0) | 1;
    let mut dice = Dice(seed);
    let begin = Instant::now();
    let records = Records {
        begun: Shared::from_fn(count * 2, |_| AtomicU32::new(0)).unwrap(),
        objects: Shared::new(AtomicU32::new(0)).unwrap(),
    };
    let service = CountedClient::new(records.clone()).start_method(method);
    let service = service.restarts(MANY.0 * 1000, MANY.1).spawn().unwrap();
    let last = 2 * count - 1;
    let asked = service.ask(last, Vec::new(), false).run();
    assert_eq!(asked.unwrap().place, 1);
    let before = descriptors();
    let (tell, told) = channel::<Vec<Ended>>().unwrap();
    let is_over = AtomicBool::new(false);
    let mut all: HashMap<usize, Ended> = HashMap::new();
    let mut kills = 0;
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut dice = Dice(seed ^ 0x9e37_79b9);
            while !is_over.load(SeqCst) {
                thread::sleep(Duration::from_millis(25 + dice.below(50)));
                signal(service.id(), Signal::KILL);
            }
        });
        // Others that are killed, of which nothing is asked.
        let victims = scope.spawn(|| {
            let mut dice = Dice(seed ^ 0x1234_5678);
            let mut victims = 0;
            let mut next = count;
            while !is_over.load(SeqCst) && next < 2 * count {
                let numbers: Vec<Vec<_>> = (0..2)
                    .map(|thread| (next + thread..2 * count).step_by(2).take(200).collect())
                    .collect();
                next += 400;
                let (unheard, _never) = channel().unwrap();
                let seed = dice.below(u64::MAX);
                let call = send_from_threads::call(service.client(), numbers, seed, unheard);
                let process = call.start_method(method).spawn().unwrap();
                thread::sleep(Duration::from_millis(dice.below(60)));
                process.kill();
                let _ = process.join();
                victims += 1;
            }
            victims
        });
        let mut processes = Vec::new();
        for process in 0..PROCESSES {
            let numbers = |thread| (0..count).skip(process * THREADS + thread);
            let numbers = |thread| numbers(thread).step_by(PROCESSES * THREADS).collect();
            let numbers: Vec<Vec<usize>> = (0..THREADS).map(numbers).collect();
            let seed = dice.below(u64::MAX);
            let call = send_from_threads::call(service.client(), numbers, seed, tell.clone());
            processes.push(call.start_method(method).spawn().unwrap());
        }
        drop(tell);
        for ends in told.iter() {
            for ended in ends {
                let twice = all.insert(ended.number, ended);
                assert!(twice.is_none(), "seed {seed}: {twice:?} ended twice");
            }
        }
        for process in processes {
            process.join().unwrap();
        }
        is_over.store(true, SeqCst);
        kills = victims.join().unwrap();
    });
    // One that is answered comes after all.
    eventually("the last one is answered", || {
        let asked = service.ask(last, Vec::new(), false).timeout(LONG).run();
        asked.is_ok()
    });
    let took = begin.elapsed();
    let objects = records.objects.load(SeqCst);
    let mut wrong = Vec::new();
    let mut kinds = BTreeMap::new();
    let mut places: HashMap<(u32, u32), usize> = HashMap::new();
    let mut order: HashMap<usize, (u32, u32)> = HashMap::new();
    assert_eq!(all.len(), count, "seed {seed}: some have not ended");
    for number in 0..count {
        let request = &all[&number];
        let begun = records.begun[number].load(SeqCst);
        wrong.extend(judge(request, begun, objects).err());
        let kind = match &request.end {
            End::Answer(object, place) => {
                // No two have the same place, and those of one thread come one after the other.
                if let Some(other) = places.insert((*object, *place), number) {
                    wrong.push(format!("{number} and {other} were the same"));
                }
                let thread = number % (PROCESSES * THREADS);
                let before = order.insert(thread, (*object, *place));
                if before.is_some_and(|before| before >= (*object, *place)) {
                    wrong.push(format!("{number} came before an earlier one, {before:?}"));
                }
                "answered"
            }
            End::Killed => "killed",
            End::Panicked(_) => "panicked",
            End::TimedOut(_) => "timed out",
            End::Dropped => "dropped",
            End::Notified => "notified",
            End::Wrong(_) => "wrong",
        };
        *kinds.entry(kind).or_insert(0) += 1;
    }
    wrong.truncate(20);
    assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    drop(told);
    // What waits for descriptors has one or two itself.
    eventually("descriptors are closed", || descriptors() <= before + 2);
    // Processes that are left would be found out.
    let _ = service.shutdown();
    #[expect(clippy::print_stdout, reason = "numbers for who runs it by hand")]
    {
        println!(
            "{count} requests, {method:?}, in {took:?}: {kinds:?}, {objects} objects, {kills} more clients killed"
        );
    }
}
