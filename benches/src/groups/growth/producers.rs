//! Many that send, one that receives.

use multiproc::channel::{Queue, Sender, channel};
use multiproc::sync::Barrier;
use multiproc::worker;

use crate::bench::{Bench, Race};
use crate::groups::team::{Team, in_rounds};
use crate::measure::{Contestant, Failable};

const QUEUE: &str = "multiproc, Queue";
const ITEMS: usize = 1_600;
const PLACES: usize = 256;
const SIZE: usize = 100;

pub(super) fn run(bench: &mut Bench) -> Failable {
    let counts: &[usize] = if bench.quick {
        &[1, 4]
    } else {
        &[1, 2, 4, 8, 16]
    };
    for count in counts {
        let each = ITEMS / count;
        let items = each * count;
        let queue = Queue::<Vec<u8>>::bounded(PLACES)?;
        let pushers = Team::of_processes(*count, |gate| push::spawn(queue.clone(), each, gate))?;
        let (sender, receiver) = channel::<Vec<u8>>()?;
        let senders = Team::of_processes(*count, |gate| send::spawn(sender.clone(), each, gate))?;
        let (give, take) = crossbeam_channel::bounded::<Vec<u8>>(PLACES);
        let threads = Team::of_threads(*count, move |gate: Barrier| {
            in_rounds(&gate, || {
                for _ in 0..each {
                    let _ = give.send(vec![1; SIZE]);
                }
            });
        })?;
        let contestants = vec![
            Contestant::sampled(QUEUE, || {
                pushers.time(items, || {
                    for _ in 0..items {
                        queue.pop()?;
                    }
                    Ok(())
                })
            }),
            Contestant::sampled("multiproc, channel", || {
                senders.time(items, || {
                    for _ in 0..items {
                        receiver.recv()?;
                    }
                    Ok(())
                })
            }),
            Contestant::sampled("crossbeam, threads", || {
                threads.time(items, || {
                    for _ in 0..items {
                        take.recv()?;
                    }
                    Ok(())
                })
            }),
        ];
        bench.step(
            "an item of 100 bytes, from so many producers",
            *count,
            Race {
                title: format!("an item of {SIZE} bytes, producers: {count}"),
                base_line: QUEUE,
                contestants,
                aims: vec![],
            },
        );
    }
    Ok(())
}

#[worker]
fn push(queue: Queue<Vec<u8>>, count: usize, gate: Barrier) {
    in_rounds(&gate, || {
        for _ in 0..count {
            let _ = queue.push(vec![1; SIZE]);
        }
    });
}

#[worker]
fn send(sender: Sender<Vec<u8>>, count: usize, gate: Barrier) {
    in_rounds(&gate, || {
        for _ in 0..count {
            let _ = sender.send(vec![1; SIZE]);
        }
    });
}
