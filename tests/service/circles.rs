//! Circles that close from several sides, that full queues and deaths are part of, and what is none.

use std::thread;
use std::time::Duration;

use multiproc::channel::{Sender, channel};
use multiproc::sync::Barrier;
use multiproc::{Service, StartMethod, service};
use rustix::process::Signal;

use crate::subject::{LONG, MANY, eventually, next, signal};
use crate::support::cases;

cases! {
    two_chains_that_cross
    a_full_queue_is_part_of_a_circle
    a_death_opens_a_circle
    one_that_awaits_itself
    no_alarm_where_there_is_no_circle
    no_alarm_where_they_die
}

/// An object that asks others.
#[derive(Default)]
struct Station {
    others: Vec<StationClient>,
    visits: u64,
}

/// How a request ended that one station has sent to another.
type Outcome = Result<u64, String>;

fn outcome(result: multiproc::Result<Outcome>) -> Outcome {
    result.map_err(|error| format!("{:?}: {error}", error.kind()))?
}

#[service(queue = 1)]
impl Station {
    fn new() -> Self {
        Station::default()
    }

    fn meet(&mut self, others: Vec<StationClient>) {
        self.others = others;
    }

    fn visit(&mut self) -> u64 {
        self.visits += 1;
        self.visits
    }

    /// Goes on to each of these, one from the other. Gives how far it came.
    fn go(&mut self, path: &[usize]) -> Outcome {
        self.visits += 1;
        match path {
            [] => Ok(0),
            [next, rest @ ..] => {
                let asked = self.others[*next].go(rest).timeout(LONG).run();
                outcome(asked).map(|steps| steps + 1)
            }
        }
    }

    /// The same, when another is about to do it, too.
    fn go_together(&mut self, start: Barrier, path: &[usize]) -> Outcome {
        start.wait_timeout(LONG).unwrap();
        self.go(path)
    }

    /// Sends more than there is room for, when another is about to ask this one.
    fn flood_together(&mut self, start: Barrier, next: usize) -> Outcome {
        start.wait_timeout(LONG).unwrap();
        for sent in 0..10 {
            let notified = self.others[next].visit().timeout(LONG).notify();
            outcome(notified.map(|()| Ok(sent)))?;
        }
        Ok(10)
    }

    /// Never ends.
    fn stay(&self, begun: Sender<()>) {
        begun.send(()).unwrap();
        loop {
            thread::park();
        }
    }

    fn go_by_await(&mut self, next: usize) -> Outcome {
        outcome(smol::block_on(self.others[next].go(&[]).into_future()))
    }
}

/// So many stations, each of which knows all.
fn stations(method: StartMethod, count: usize) -> Vec<Service<StationClient>> {
    let start = |_| {
        let station = StationClient::new().start_method(method);
        station.restarts(MANY.0, MANY.1).spawn().unwrap()
    };
    let stations: Vec<_> = (0..count).map(start).collect();
    introduce(&stations);
    stations
}

fn introduce(stations: &[Service<StationClient>]) {
    let clients: Vec<_> = stations.iter().map(Service::client).collect();
    for station in stations {
        station.meet(clients.clone()).run().unwrap();
    }
}

fn is_deadlock(outcome: &Outcome) -> bool {
    outcome
        .as_ref()
        .is_err_and(|error| error.starts_with("Deadlock: "))
}

/// One of them at least is told, and all others have what they asked for.
#[track_caller]
fn check(outcomes: &[Outcome]) {
    let told = outcomes.iter().filter(|it| is_deadlock(it)).count();
    assert!(told >= 1, "{outcomes:?}");
    for outcome in outcomes {
        assert!(outcome.is_ok() || is_deadlock(outcome), "{outcomes:?}");
    }
}

fn two_chains_that_cross(method: StartMethod) {
    for (count, first, second) in [
        (2, &[1][..], &[0][..]),
        (4, &[1, 2], &[3, 0]),
        (5, &[1, 2], &[3, 4, 0]),
    ] {
        let stations = stations(method, count);
        for _ in 0..20 {
            let start = Barrier::new(2).unwrap();
            let chains = [
                stations[0].go_together(start.clone(), first).start(),
                stations[*first.last().unwrap()]
                    .go_together(start, second)
                    .start(),
            ];
            check(&chains.map(|chain| chain.wait().unwrap()));
            // All go on.
            for station in &stations {
                station.visit().timeout(LONG).run().unwrap();
            }
        }
    }
}

fn a_full_queue_is_part_of_a_circle(method: StartMethod) {
    let stations = stations(method, 2);
    for _ in 0..20 {
        let start = Barrier::new(2).unwrap();
        let flooding = stations[0].flood_together(start.clone(), 1).start();
        let asking = stations[1].go_together(start, &[0]).start();
        check(&[flooding.wait().unwrap(), asking.wait().unwrap()]);
        for station in &stations {
            station.visit().timeout(LONG).run().unwrap();
        }
    }
    // Both flood the other.
    for _ in 0..20 {
        let start = Barrier::new(2).unwrap();
        let flooding = [
            stations[0].flood_together(start.clone(), 1).start(),
            stations[1].flood_together(start, 0).start(),
        ];
        check(&flooding.map(|pending| pending.wait().unwrap()));
    }
}

fn a_death_opens_a_circle(method: StartMethod) {
    let stations = stations(method, 3);
    for round in 0..5 {
        let (begun, told) = channel().unwrap();
        let first = stations[1].stay(begun).start();
        next(&told);
        let asking = stations[0].go(&[1]).start();
        let behind = stations[2].go(&[0]).start();
        thread::sleep(Duration::from_millis(5 * round));
        signal(stations[1].id(), Signal::KILL);
        assert_eq!(first.wait().unwrap_err().signal(), Some(libc::SIGKILL));
        // The one that has taken its place answers them.
        assert_eq!(asking.wait().unwrap(), Ok(1));
        assert_eq!(behind.wait().unwrap(), Ok(1));
        // A circle through that one is told.
        introduce(&stations);
        let circle = stations[0].go(&[1, 2, 0]).run().unwrap();
        assert!(is_deadlock(&circle), "{circle:?}");
        assert_eq!(stations[0].go(&[1, 2]).run().unwrap(), Ok(2));
    }
}

fn one_that_awaits_itself(method: StartMethod) {
    let stations = stations(method, 2);
    let own = stations[0].go_by_await(0).timeout(LONG).run().unwrap();
    assert!(is_deadlock(&own), "{own:?}");
    let other = stations[0].go_by_await(1).timeout(LONG).run().unwrap();
    assert_eq!(other, Ok(0));
}

/// Numbers that are hard to foretell.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        // Marsaglia's xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }

    /// A path that leads to higher numbers only.
    fn path(&mut self, count: usize) -> Vec<usize> {
        (0..count).filter(|_| self.below(2) == 0).collect()
    }
}

/// Many go through the stations at once, and there is always one that can go on.
fn go_up(
    stations: &[Service<StationClient>],
    times: usize,
    check: impl Fn(&[usize], Outcome) + Sync,
) {
    thread::scope(|scope| {
        for thread in 0..4_u64 {
            let check = &check;
            scope.spawn(move || {
                let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ thread);
                for _ in 0..times {
                    let path = dice.path(stations.len());
                    if let [first, rest @ ..] = &path[..] {
                        let asked = stations[*first].go(rest).timeout(LONG).run();
                        check(rest, outcome(asked));
                    }
                }
            });
        }
    });
}

fn no_alarm_where_there_is_no_circle(method: StartMethod) {
    let stations = stations(method, 6);
    go_up(&stations, 150, |path, outcome| {
        assert_eq!(outcome, Ok(path.len() as u64));
    });
}

fn no_alarm_where_they_die(method: StartMethod) {
    let stations = stations(method, 4);
    let mut dice = Dice(77);
    thread::scope(|scope| {
        let going = scope.spawn(|| {
            // One that has just been made knows no others.
            go_up(&stations, 60, |_, outcome| {
                assert!(!is_deadlock(&outcome), "{outcome:?}");
            });
        });
        while !going.is_finished() {
            signal(stations[dice.below(4)].id(), Signal::KILL);
            thread::sleep(Duration::from_millis(20));
            for station in &stations {
                let clients = stations.iter().map(Service::client).collect();
                let _ = station.meet(clients).timeout(LONG).run();
            }
        }
    });
    // And those that there are find theirs.
    eventually("all have met", || {
        let clients = || stations.iter().map(Service::client).collect();
        let mut all = stations.iter();
        all.all(|station| station.meet(clients()).timeout(LONG).run().is_ok())
    });
    let circle = stations[0].go(&[1, 2, 3, 0]).run().unwrap();
    assert!(is_deadlock(&circle), "{circle:?}");
}
