//! Results of a map that have arrived and are not given out.
//!
//! They come as runs, the replies of several tasks one after another. A run stays as it came, and each
//! result is read when it is given out: what a result costs on its way is that, and nothing beside it.

use std::collections::BTreeMap;
use std::panic::resume_unwind;

use super::call_source::Panic;
use super::mailbox::{Many, OneMail};
use super::outcome::Outcome;
use super::ran::Ran;
use super::wire::split;
use crate::codec::{Input, Message};
use crate::dispatch::ResultCodec;
use crate::error::Result;
use crate::process::Subject;
use crate::protocol::Reply;

/// A result, or how writing the arguments of its task panicked.
pub(super) type Arrived<R> = std::result::Result<Result<R>, Panic>;

/// The results.
pub(super) struct Arrivals<R> {
    is_ordered: bool,
    /// Those of which the first are given out.
    run: Option<Run>,
    /// By the number of the first task if the order counts, or else as they came.
    waiting: BTreeMap<u64, Arrival<R>>,
    /// How many have come.
    count: u64,
}

enum Arrival<R> {
    Run(Run),
    One(Box<OneMail>),
    Known(Box<(u64, Arrived<R>)>),
}

/// Replies of which the first were given out.
struct Run {
    many: Many,
    /// How many of their bytes are those.
    start: usize,
}

/// A result that is to be given out. What is there for each of a million is small: it is moved, too.
pub(super) enum Next<'a, R> {
    Reply {
        number: u64,
        reply: &'a [u8],
        worker: &'static str,
        process: u32,
    },
    One(Box<OneMail>),
    Known(Box<(u64, Arrived<R>)>),
}

impl<R> Arrivals<R> {
    pub(super) fn new(is_ordered: bool) -> Arrivals<R> {
        Arrivals {
            is_ordered,
            run: None,
            waiting: BTreeMap::new(),
            count: 0,
        }
    }

    pub(super) fn is_ordered(&self) -> bool {
        self.is_ordered
    }

    pub(super) fn put_known(&mut self, number: u64, result: Arrived<R>) {
        self.put(number, Arrival::Known(Box::new((number, result))));
    }

    pub(super) fn put_one(&mut self, mail: OneMail) {
        self.put(mail.number, Arrival::One(Box::new(mail)));
    }

    pub(super) fn put_many(&mut self, many: Many) {
        let run = Run { many, start: 0 };
        self.put(run.many.first, Arrival::Run(run));
    }

    fn put(&mut self, first: u64, arrival: Arrival<R>) {
        let place = if self.is_ordered { first } else { self.count };
        self.count += 1;
        self.waiting.insert(place, arrival);
    }

    pub(super) fn clear(&mut self) {
        self.run = None;
        self.waiting.clear();
    }

    /// The next result, which is that of task `given` if the order counts.
    #[inline]
    pub(super) fn next(&mut self, given: u64) -> Option<Next<'_, R>> {
        if self.run.as_ref().is_none_or(Run::is_over) {
            match self.next_arrival(given)? {
                Arrival::Run(run) => self.run = Some(run),
                Arrival::One(mail) => return Some(Next::One(mail)),
                Arrival::Known(known) => return Some(Next::Known(known)),
            }
        }
        self.run.as_mut()?.next()
    }

    fn next_arrival(&mut self, given: u64) -> Option<Arrival<R>> {
        self.run = None;
        let first = self.waiting.first_entry()?;
        (!self.is_ordered || *first.key() == given).then(|| first.remove())
    }
}

impl Run {
    #[inline]
    fn is_over(&self) -> bool {
        self.start >= self.many.replies.len()
    }

    #[inline]
    fn next<R>(&mut self) -> Option<Next<'_, R>> {
        let rest = self.many.replies.get(self.start..)?;
        let (reply, others) = split(rest)?;
        self.start = self.many.replies.len() - others.len();
        let number = self.many.first;
        self.many.first += 1;
        Some(Next::Reply {
            number,
            reply,
            worker: self.many.worker,
            process: self.many.process,
        })
    }
}

impl<R> Next<'_, R> {
    pub(super) fn number(&self) -> u64 {
        match self {
            Next::Reply { number, .. } => *number,
            Next::Known(known) => known.0,
            Next::One(mail) => mail.number,
        }
    }

    /// The length of what was received.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Next::Reply { reply, .. } => reply.len(),
            Next::One(mail) => mail.outcome.length(),
            Next::Known(_) => 0,
        }
    }

    /// Reads it.
    ///
    /// # Panics
    ///
    /// Reading it panics, or writing the arguments did.
    #[inline]
    pub(super) fn read(self, codec: &ResultCodec<R>) -> Result<R> {
        match self {
            Next::Reply {
                reply,
                worker,
                process,
                ..
            } => {
                // Nearly all are values, and need not be copied to be read.
                if let Some((kind, value)) = reply.split_first()
                    && *kind == Reply::Returned as u8
                {
                    if let Some(value) = codec.read_word(value) {
                        return Ok(value);
                    }
                    let mut input = Input::over(value);
                    if let Ok(value) = codec.read(&mut input)
                        && input.finish().is_ok()
                    {
                        return Ok(value);
                    }
                }
                explain(reply, worker, process, codec)
            }
            Next::One(mail) => {
                let outcome = if mail.outcome.is_value() {
                    mail.outcome
                } else {
                    mail.outcome.after_logs()
                };
                outcome.resolve(Subject::Worker(mail.worker), codec)
            }
            Next::Known(known) => known.1.unwrap_or_else(|panic| resume_unwind(panic)),
        }
    }
}

/// What a reply says that is no value, or cannot be read.
#[cold]
fn explain<R>(
    reply: &[u8],
    worker: &'static str,
    process: u32,
    codec: &ResultCodec<R>,
) -> Result<R> {
    let message = Message {
        head: reply.to_vec(),
        ..Message::default()
    };
    let outcome = Outcome::Reply(message, Ran::in_process(process)).after_logs();
    outcome.resolve(Subject::Worker(worker), codec)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::codec::Output;
    use crate::dispatch;
    use crate::error::{Error, ErrorKind};

    /// The replies of tasks from this number on, each of which returned its number.
    fn many(first: u64, count: u32) -> Many {
        let mut replies = Vec::new();
        for number in first..first + u64::from(count) {
            let mut out = Output::new(Reply::Returned as u8);
            out.write(&number).unwrap();
            replies.extend(u32::try_from(out.head.len()).unwrap().to_ne_bytes());
            replies.extend(out.head);
        }
        Many {
            first,
            worker: "f",
            count,
            replies,
            longest: 0,
            time: Duration::ZERO,
            process: 1,
            until: 0,
        }
    }

    fn failed(number: u64) -> OneMail {
        OneMail {
            number,
            worker: "f",
            outcome: Outcome::Failed(Error::new(ErrorKind::Cancelled, "it was cancelled")),
            time: None,
        }
    }

    /// The numbers of all that can be given out now, of which so many were.
    fn numbers(arrivals: &mut Arrivals<u64>, given: &mut u64) -> Vec<u64> {
        let codec = dispatch::result::<u64>();
        let mut numbers = Vec::new();
        while let Some(next) = arrivals.next(*given) {
            let number = next.number();
            if let Ok(value) = next.read(&codec) {
                assert_eq!(value, number);
            }
            numbers.push(number);
            *given += 1;
        }
        numbers
    }

    #[test]
    fn results_are_given_out_in_order_however_they_come() {
        let (mut arrivals, mut given) = (Arrivals::new(true), 0);
        arrivals.put_many(many(5, 3));
        arrivals.put_one(failed(3));
        assert!(numbers(&mut arrivals, &mut given).is_empty());
        arrivals.put_many(many(0, 3));
        assert_eq!(numbers(&mut arrivals, &mut given), [0, 1, 2, 3]);
        arrivals.put_known(4, Ok(Ok(4)));
        assert_eq!(numbers(&mut arrivals, &mut given), [4, 5, 6, 7]);
    }

    #[test]
    fn where_the_order_does_not_count_they_are_given_out_as_they_come() {
        let (mut arrivals, mut given) = (Arrivals::new(false), 0);
        arrivals.put_many(many(5, 2));
        arrivals.put_one(failed(3));
        assert_eq!(numbers(&mut arrivals, &mut given), [5, 6, 3]);
        arrivals.put_many(many(0, 1));
        assert_eq!(numbers(&mut arrivals, &mut given), [0]);
    }

    #[test]
    fn a_panic_costs_no_result_behind_it() {
        let (mut arrivals, mut given) = (Arrivals::new(true), 1);
        arrivals.put_known(0, Err(Box::new("boom")));
        arrivals.put_many(many(1, 1));
        let codec = dispatch::result::<u64>();
        let next = arrivals.next(0).unwrap();
        let read = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| next.read(&codec)));
        assert!(read.is_err());
        assert_eq!(numbers(&mut arrivals, &mut given), [1]);
    }
}
