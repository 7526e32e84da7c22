//! A queue whose memory and sockets hold any bytes.

use std::collections::VecDeque;
use std::fs::File;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::channel::Queue;
use crate::codec::{Message, Output};
use crate::descriptor::Fd;

const CAPACITY: usize = 3;

/// The mapped part of such a queue, roughly: the header, and the slots behind it.
const MAPPED: u64 = 20_480;

/// How long is waited for what may not come, where numbers are not what they were.
const MOMENT: Duration = Duration::from_millis(2);

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    number: u8,
    bytes: Vec<u8>,
    file: Option<Fd<File>>,
}

/// Does one thing after another to a queue. Each is described by three bytes: what is done, and two
/// numbers, `a` and `b`.
///
/// | what, by 10 | |
/// |---|---|
/// | 0 | push `a` bytes |
/// | 1 | push `a` bytes and a file |
/// | 2 | push `a` times 32 KiB |
/// | 3, 4 | pop |
/// | 5 | send the queue to a process, as it were, and go on with what arrives |
/// | 6 | count a task as done |
/// | 7 | close the queue |
/// | 8 | write a byte over its memory: `a`, at a place that `b` and the next three bytes tell |
/// | 9 | write `a` bytes `b` into the socket of its descriptors |
///
/// # Panics
///
/// As long as nothing was written over it, if an item is lost, changed, doubled or overtaken, and if
/// there is room that cannot be used.
pub fn queue(mut input: &[u8]) {
    let mut queue = Queue::bounded(CAPACITY).expect("descriptors are free");
    let mut expected = Some(VecDeque::new());
    let mut undone = 0;
    let mut number = 0;
    while let Some(([what, a, b], rest)) = input.split_first_chunk() {
        input = rest;
        let length = usize::from(*a);
        match what % 10 {
            kind @ 0..=2 => {
                let item = Item {
                    number,
                    bytes: vec![*b; if kind == 2 { length << 15 } else { length }],
                    file: (kind == 1).then(open),
                };
                let shape = (number, item.bytes.len(), kind == 1);
                let pushed = push(&queue, item, expected.is_some());
                if let Some(expected) = &mut expected {
                    let has_room = expected.len() < CAPACITY && !queue.is_closed();
                    assert_eq!(pushed, has_room);
                    if has_room {
                        expected.push_back(shape);
                    }
                }
                undone += u32::from(pushed);
                number = number.wrapping_add(1);
            }
            3 | 4 => {
                let popped = pop(&queue, expected.is_some());
                if let Some(expected) = &mut expected {
                    assert_eq!(popped, expected.pop_front());
                    assert_eq!(queue.len(), expected.len());
                }
            }
            5 => match sent(&queue) {
                Some(arrived) => queue = arrived,
                None => assert!(expected.is_none(), "a queue that is whole arrives"),
            },
            // One too many panics, as it says.
            6 if expected.is_some() && undone > 0 => {
                queue.task_done();
                undone -= 1;
            }
            7 => queue.close(),
            8 => {
                let Some(([high, kind, c], rest)) = input.split_first_chunk() else {
                    break;
                };
                input = rest;
                let place = u64::from(u32::from_le_bytes([*b, *high, *kind, 0])) % MAPPED;
                expected = None;
                let byte = [*a ^ c];
                let _ = rustix::io::pwrite(queue.memory(), &byte, place);
            }
            9 => {
                expected = None;
                let bytes = vec![*b; length];
                let _ = rustix::net::send(queue.socket(), &bytes, rustix::net::SendFlags::NOSIGNAL);
            }
            _ => {}
        }
    }
    queue.close();
    let left = queue.iter().take(2 * CAPACITY).count();
    if let Some(expected) = expected {
        assert_eq!(left, expected.len());
    }
}

fn open() -> Fd<File> {
    Fd::new(File::open("/dev/null").expect("descriptors are free"))
}

/// A queue that is whole has room or not, and says so at once.
fn push(queue: &Queue<Item>, item: Item, is_whole: bool) -> bool {
    if is_whole {
        return queue.try_push(item).is_ok();
    }
    let pushed = queue.push_timeout(item, MOMENT);
    pushed.map_err(|error| error.to_string()).is_ok()
}

/// The number of an item, its length, and whether a file is in it.
fn pop(queue: &Queue<Item>, is_whole: bool) -> Option<(u8, usize, bool)> {
    let item = if is_whole {
        queue.try_pop().ok()?
    } else {
        let popped = queue.pop_timeout(MOMENT);
        popped.map_err(|error| error.to_string()).ok()?
    };
    Some((item.number, item.bytes.len(), item.file.is_some()))
}

/// The queue as it arrives in a process that it is sent to.
fn sent(queue: &Queue<Item>) -> Option<Queue<Item>> {
    let mut output = Output::new(0);
    output.write(queue).ok()?;
    output.confirm_sent();
    let mut message = Message {
        head: std::mem::take(&mut output.head),
        splices: Vec::new(),
        attachments: std::mem::take(&mut output.attachments),
    };
    let mut input = message.open();
    input.read().ok()
}

#[cfg(test)]
mod tests {
    use crate::__fuzz::inputs::feed;

    #[test]
    fn whatever_is_written_does_no_damage() {
        feed("queue", 3_000, super::queue);
    }
}
