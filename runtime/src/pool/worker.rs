//! The other half of a pool: the loop of a worker's process.
//!
//! The thread that runs the tasks also receives them, so that no time goes into waking another;
//! the first thread watches for the end of the parent, as in every child.

use std::cell::Cell;
use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::time::Duration;

use linkme::distributed_slice;

use super::files::{self, Held};
use super::ledger::{Claims, note_exhaustion, now};
use super::limited::{self, Fitness, NotRun, Ran};
use super::name::NAMES;
use super::own_board;
use super::pause::Pause;
use super::watch::Watch;
use super::wire::{ResultsHeader, Tasks, split};
use crate::codec::{Input, Message, Output, Word, spare};
use crate::descriptor::Fd;
use crate::dispatch::{self, Arguments, Callee, Entry, Outlet, ReplyBuffer, message};
use crate::process::{Current, ROLES, Replies, Role, Serve, TaskLimits};
use crate::protocol::{Reply, Request};
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::pipe;
use crate::sys::scoreboard::Scoreboard;
use crate::transport::{Received, Receiver, Sender};

/// The status of a process that cannot receive tasks any more, from `sysexits.h`: system error.
const EXIT_SYSTEM: i32 = 71;

/// How old the first result of a batch may become before it is sent with those behind it.
const SEND_INTERVAL: Duration = Duration::from_millis(2);

/// Results longer than this are sent at once, and alone.
const LONG: usize = 8 << 10;

/// The life of a worker's process.
#[expect(unsafe_code, reason = "the linker puts it where roles stand")]
#[distributed_slice(ROLES)]
pub(super) static ROLE: Role = Role { name: "pool", open };

fn open(input: &mut Input<'_>) -> Result<Box<Serve>, String> {
    let unreadable = |error| format!("the request cannot be read: {error}");
    let board: Fd<OwnedFd> = input.read().map_err(unreadable)?;
    let stderr: Option<Fd<OwnedFd>> = input.read().map_err(unreadable)?;
    if let Some(stderr) = stderr {
        own_board::set_stderr(stderr.into_inner());
    }
    let board = Scoreboard::map(Arc::new(board.into_inner()))
        .map_err(|error| format!("the pool's memory cannot be mapped: {error}"))?;
    // It is there until the process ends. A task that closes all descriptors closes the board's too,
    // and dropping that then would be the end of the process, for which it would be blamed.
    let board: &Scoreboard = Box::leak(Box::new(board));
    own_board::set(board);
    Ok(Box::new(|receiver, sender| serve(receiver, sender, board)))
}

/// Runs tasks until there will be none, and gives the status to end with.
fn serve(receiver: &Receiver, sender: &Sender, board: &'static Scoreboard) -> i32 {
    let mut tasks = TaskLoop {
        sender,
        replies: Replies::new(sender),
        claims: Claims(board),
        board,
        known: HashMap::new(),
        round: 0,
        held: ManuallyDrop::new(Held::default()),
        pause: Pause::new(),
    };
    spare::keep_here();
    let Err(status) = tasks.run(receiver);
    status
}

/// What tasks run.
#[derive(Clone, Copy)]
struct Function {
    entry: &'static Entry,
    limits: TaskLimits,
}

struct TaskLoop<'w> {
    sender: &'w Sender,
    /// Those of tasks.
    replies: Replies<'w>,
    claims: Claims<'w>,
    board: &'static Scoreboard,
    /// The workers that were called before, and under which limits, by the bytes that name them.
    known: HashMap<Vec<u8>, Function>,
    /// That of the last message.
    round: u16,
    /// It stays until the process ends: a task may have closed all descriptors, and to close one again would
    /// be the end of the process, for which that would be blamed.
    held: ManuallyDrop<Held>,
    pause: Pause,
}

impl TaskLoop<'_> {
    fn run(&mut self, receiver: &Receiver) -> Result<Infallible, i32> {
        self.reply(message(Reply::Ready, &()));
        loop {
            // What has come need not be waited for: should it be a mistake, it is received all the same.
            let come = Cell::new(false);
            let has_come = || {
                come.set(self.claims.is_sent_after(self.round));
                come.get()
            };
            let held = &mut self.held;
            let receive = || {
                if !come.get() {
                    forget_when_idle(receiver, held, &self.claims, self.round);
                }
                receiver.receive()
            };
            match self.pause.wait(has_come, receive) {
                Ok(Received::Message(mut task)) => {
                    match task.kind().and_then(Request::from_wire) {
                        Some(Request::Task) => self.task(&mut task)?,
                        Some(Request::Batch) => self.batch(&mut task)?,
                        Some(Request::Call | Request::Serve | Request::Retire) | None => {
                            return Err(0);
                        }
                    }
                    self.held.let_go();
                }
                Ok(Received::Nothing) => {}
                // The first thread sees it too, and ends the process.
                Ok(Received::Closed) => loop {
                    std::thread::park();
                },
                // Descriptors or memory ran out. This task has failed, the next one shall find
                // a fresh process.
                Err(error) => {
                    if self.claims.claim(self.claims.round(), now()) {
                        let reason = format!("the process could not receive them: {error}");
                        self.reply(message(Reply::NotDecoded, &reason));
                    }
                    return Err(EXIT_SYSTEM);
                }
            }
        }
    }

    /// Runs a task that came alone.
    fn task(&mut self, task: &mut Message) -> Result<(), i32> {
        let tasks = Tasks::read(&task.head);
        let (round, callee, arguments) = (tasks.round, tasks.callee, tasks.arguments);
        self.round = round;
        let common = self.held.take_in(&tasks.files, &mut task.attachments);
        note_written(&self.claims);
        if !self.claims.claim(round, now()) {
            return Ok(());
        }
        let arguments = task.head.len() - arguments.len();
        let mut fitness = Fitness::AsBefore;
        match self.find(callee) {
            Ok(Function { entry, limits }) => {
                Current::set_worker(entry.name());
                let input = || task.open_at(arguments).with_common(common);
                let replies = &mut self.replies;
                let ran = run_within(self.board, &limits, || {
                    let send = &mut |out: &mut Output<'_>| replies.send(std::mem::take(out));
                    dispatch::run(entry, input, &ReplyBuffer::default(), send);
                });
                if let Err(not_run) = ran.result {
                    leave_if_spoiled(&self.claims, &not_run);
                    // An error means that the pool is gone.
                    let _ = self.replies.send(not_run.message());
                }
                fitness = ran.fitness;
                self.claims.answered(round);
                self.replies.finish(entry.name())?;
            }
            Err(reason) => {
                self.reply(message(Reply::Refused, &reason));
                self.claims.answered(round);
            }
        }
        fitness.check()
    }

    /// Runs the tasks of a batch until they are done or the rest is taken back.
    fn batch(&mut self, batch: &mut Message) -> Result<(), i32> {
        let tasks = Tasks::read(&batch.head);
        let (round, callee, arguments) = (tasks.round, tasks.callee, tasks.arguments);
        self.round = round;
        let common = self.held.take_in(&tasks.files, &mut batch.attachments);
        let function = self.find(callee);
        let mut fitness = Fitness::AsBefore;
        let mut results = Results::new(&mut self.replies, &self.claims, &tasks);
        let name = function.as_ref().map_or("", |it| it.entry.name());
        match function {
            Ok(Function { entry, limits }) => {
                Current::set_worker(entry.name());
                let ran = run_within(self.board, &limits, || {
                    let buffer = ReplyBuffer::default();
                    results.answer(arguments, |arguments, results| {
                        let buffer = &buffer;
                        let arguments = || Arguments::among(arguments, common.as_ref());
                        dispatch::run(entry, arguments, buffer, &mut Behind { results, buffer });
                    });
                });
                fitness = ran.fitness;
                if let Err(not_run) = ran.result {
                    leave_if_spoiled(&self.claims, &not_run);
                    results.answer(arguments, |_, results| {
                        // An error means that the pool is gone.
                        let _ = results.add(&mut not_run.message(), &ReplyBuffer::default());
                    });
                }
            }
            Err(reason) => results.answer(arguments, |_, results| {
                // An error means that the pool is gone.
                let refusal = &mut message(Reply::Refused, &reason);
                let _ = results.add(refusal, &ReplyBuffer::default());
            }),
        }
        results.send();
        self.claims.answered(round);
        results.replies.finish(name)?;
        fitness.check()
    }

    fn find(&mut self, name: &[u8]) -> Result<Function, String> {
        if let Some(function) = self.known.get(name) {
            return Ok(*function);
        }
        let mut input = Input::over(name);
        let callee: Callee = input
            .read()
            .map_err(|error| format!("the task cannot be read: {error}"))?;
        let limits = match input.finish() {
            Ok(()) => TaskLimits::default(),
            Err(_) => TaskLimits::read(&mut input)?,
        };
        let entry = callee.find()?;
        let function = Function { entry, limits };
        if self.known.len() >= NAMES {
            self.known.clear();
        }
        self.known.insert(name.to_vec(), function);
        Ok(function)
    }

    fn reply(&self, out: Output<'_>) {
        // An error means that the pool is gone.
        let _ = self.sender.send(out);
    }
}

/// Waits for the next message, but not for long if there is none: a process that has nothing to do for a while
/// forgets its files.
fn forget_when_idle(receiver: &Receiver, held: &mut Held, claims: &Claims<'_>, round: u16) {
    if !held.is_empty() && !receiver.waits_at_most(files::IDLE) {
        held.forgotten += 1;
        if claims.forget(held.forgotten, round) {
            held.forget_all();
        }
    }
}

/// Notes how much this process has written to its standard error before the next task, if its pool wants
/// to know.
fn note_written(claims: &Claims<'_>) {
    if let Some(stderr) = own_board::stderr() {
        claims.note_written(|| pipe::unread(stderr.as_fd()));
    }
}

/// Runs tasks under their limits, if they have any.
fn run_within(board: &'static Scoreboard, limits: &TaskLimits, work: impl FnOnce() + Send) -> Ran {
    if limits.are_none() {
        work();
        return Ran::WELL;
    }
    if limits.memory.is_some() {
        note_exhaustion(board);
    }
    limited::run(limits, work)
}

/// Lets other processes run the later tasks, if this one is in an unknown state: to be said before the
/// task is answered.
fn leave_if_spoiled(claims: &Claims<'_>, not_run: &NotRun) {
    if let NotRun::Panicked(_) = not_run {
        claims.leave();
    }
}

/// The results of a batch on their way: on the board at once, in a message some time.
struct Results<'r, 'w> {
    replies: &'r mut Replies<'w>,
    claims: &'r Claims<'w>,
    round: u16,
    /// The number of the task that runs.
    current: u32,
    /// The number of the first one whose result is not sent.
    first: u32,
    /// Those that are not sent, each behind its length.
    waiting: Vec<u8>,
    /// When the last were sent, or the batch began.
    since: u64,
    watch: Watch,
}

impl<'r, 'w> Results<'r, 'w> {
    fn new(
        replies: &'r mut Replies<'w>,
        claims: &'r Claims<'w>,
        tasks: &Tasks<'_>,
    ) -> Results<'r, 'w> {
        let watch = Watch::new(tasks.is_timed);
        Results {
            replies,
            claims,
            round: tasks.round,
            current: 0,
            first: 0,
            waiting: Vec::new(),
            since: watch.now,
            watch,
        }
    }

    /// Claims the tasks with these arguments one after another, and answers each, until they are taken
    /// back or one has said that it is the last of this process.
    fn answer(&mut self, tasks: &[u8], mut answer: impl FnMut(&[u8], &mut Results<'r, 'w>)) {
        let mut rest = tasks;
        while let Some((arguments, others)) = split(rest) {
            rest = others;
            note_written(self.claims);
            if !self.claims.claim(self.round, self.watch.now) {
                break;
            }
            answer(arguments, self);
            self.next();
            if self.replies.is_stuck() || self.claims.is_leaving() {
                break;
            }
        }
    }

    /// Takes the result of the task that runs, and puts its buffer back.
    #[inline]
    fn add(&mut self, out: &mut Output<'_>, buffer: &ReplyBuffer) -> io::Result<()> {
        let is_short =
            out.splices.is_empty() && out.attachments.is_empty() && out.head.len() <= LONG;
        if is_short {
            let length = u32::try_from(out.head.len()).unwrap_or(0).to_ne_bytes();
            let start = self.waiting.len();
            self.waiting.extend_from_slice(&length);
            self.waiting.extend_from_slice(&out.head);
            self.put(start)?;
            buffer.keep(std::mem::take(&mut out.head));
            return Ok(());
        }
        self.send();
        self.replies.send(std::mem::take(out))?;
        self.first = self.current + 1;
        self.claims.sent(self.first);
        Ok(())
    }

    /// Takes likewise the value that it returned, of which this is what a message has.
    #[inline]
    fn add_word(&mut self, word: &Word) -> io::Result<()> {
        let length = u32::try_from(1 + word.length()).unwrap_or(0).to_ne_bytes();
        let start = self.waiting.len();
        self.waiting.extend_from_slice(&length);
        self.waiting.push(Reply::Returned as u8);
        word.append_to(&mut self.waiting);
        self.put(start)
    }

    /// Puts the result that begins there onto the board, too.
    #[inline]
    fn put(&mut self, start: usize) -> io::Result<()> {
        if self.claims.put(self.first, start, &self.waiting[start..]) {
            return Ok(());
        }
        self.put_first(start)
    }

    /// Likewise, when there is no room behind the others.
    #[cold]
    fn put_first(&mut self, start: usize) -> io::Result<()> {
        let result = self.waiting.split_off(start);
        self.send();
        if self.replies.is_stuck() {
            return Err(io::ErrorKind::NotConnected.into());
        }
        self.claims.put(self.first, 0, &result);
        self.waiting = result;
        Ok(())
    }

    /// The task that ran has ended.
    #[inline]
    fn next(&mut self) {
        self.current += 1;
        if self.waiting.is_empty() {
            // What was sent alone is not to count among the next ones.
            self.since = self.watch.read();
        } else if self.watch.task_ended()
            && u128::from(self.watch.now - self.since) >= SEND_INTERVAL.as_nanos()
        {
            self.send();
            // Sending may have taken a while, which is not the next task's.
            self.since = self.watch.read();
        }
    }

    /// Sends what is waiting. If that cannot be sent it stays on the board, where it is found.
    fn send(&mut self) {
        let now = self.watch.read();
        if !self.waiting.is_empty() && !self.replies.is_stuck() {
            let header = ResultsHeader {
                time: now - self.since,
                round: self.round,
                first: self.first,
            };
            let mut out = Output::after(header.write());
            out.head.append(&mut self.waiting);
            let _ = self.replies.send(out);
            if !self.replies.is_stuck() {
                self.first = self.current;
                self.claims.sent(self.first);
            }
        }
        self.since = now;
    }
}

/// Where the replies of a batch go: behind those that wait.
struct Behind<'o, 'r, 'w> {
    results: &'o mut Results<'r, 'w>,
    buffer: &'o ReplyBuffer,
}

impl Outlet for Behind<'_, '_, '_> {
    fn send(&mut self, out: &mut Output<'_>) -> io::Result<()> {
        self.results.add(out, self.buffer)
    }

    fn send_word(&mut self, word: &Word) -> io::Result<()> {
        self.results.add_word(word)
    }
}
