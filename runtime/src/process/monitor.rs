//! The thread that watches the children that no thread waits for.
//!
//! It takes in their replies, reaps them when they end and kills those whose deadline has come.
//! It waits for descriptors only, each a child's own: the children that `std::process` or other
//! code starts are none of its business, and a handler for `SIGCHLD` none of its.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use super::end::{End, Killed, Subject, Who};
use super::inquiry::Inquiry;
use super::memory_limit::MemoryLimit;
use super::relay::Relayed;
use super::watch::{TimeLimit, Watch};
use crate::completion::Ending;
use crate::foreign;
use crate::lock::lock;
use crate::records::Source;
use crate::sys::copy::Home;
use crate::sys::deadline;
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::lineage::Lineage;
use crate::sys::pidfd::{Pidfd, Status};
use crate::sys::poller::{Interest, Poller};
use crate::sys::refused::Naming as _;
use crate::transport;
use crate::usage::Usage;

/// A child, as the handle and the monitor share it.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) pidfd: Pidfd,
    /// Empty while the child has no request, and for the fork server.
    assignment: OnceLock<Assignment>,
    /// Identifies the child for the life of this process; pids come again.
    key: u64,
    /// The process whose child it is.
    pub(super) home: Home,
    /// Empty while a joining thread watches the child.
    watched: Mutex<Option<Watched>>,
    /// The connection, as long as the child is watched.
    connection: OnceLock<Weak<OwnedFd>>,
    /// What became of a request to stop. Locked after `watched`.
    stop: Mutex<Stop>,
    /// What it logs is heard until nothing refers to it any more.
    logs: OnceLock<Source>,
}

/// A request to a child to stop, which has a deadline of its own: the monitor minds that also while
/// another thread watches the child.
#[derive(Debug, Default)]
struct Stop {
    asked: bool,
    /// When to kill the child.
    until: Option<Instant>,
    /// It was killed because that had come, or is about to be.
    killed: bool,
    /// The child has ended: nothing more is to be asked.
    over: bool,
}

impl Stop {
    /// Kills the child. One that has ended has done so by itself, though not all may be gone yet that
    /// is to end with it.
    fn kill(&mut self, child: &Child) {
        if !child.pidfd.has_ended() {
            self.killed = true;
            child.pidfd.kill();
        }
    }
}

#[derive(Debug)]
struct Watched {
    watch: Watch,
    /// The entry in the monitor's deadlines.
    armed: Option<Instant>,
    /// The task to wake when the child has ended.
    waker: Option<Waker>,
    /// Others who want to know.
    listeners: Vec<Waker>,
}

impl Child {
    pub(super) fn new(pidfd: Pidfd) -> Arc<Child> {
        static KEYS: AtomicU64 = AtomicU64::new(1);
        let key = KEYS.fetch_add(1, Ordering::Relaxed);
        Arc::new(Child {
            pidfd,
            assignment: OnceLock::new(),
            key,
            home: Home::here(),
            watched: Mutex::new(None),
            connection: OnceLock::new(),
            stop: Mutex::default(),
            logs: OnceLock::new(),
        })
    }

    /// Asks the child to stop within this time, and has it killed then. False if it has ended, or if
    /// this process is a copy of the one whose child it is.
    pub(super) fn stop_within(&self, grace: Duration) -> bool {
        if !self.home.is_here() || self.has_ended() == Some(true) {
            return false;
        }
        ProcessMonitor::get().is_ok_and(|monitor| monitor.stop(self, grace))
    }

    /// All that is known of how the child ended, of which this was the watch.
    pub(super) fn end(&self, watch: Watch) -> End {
        let stop = lock(&self.stop);
        let mut end = watch.into_end();
        if stop.asked {
            end.asked.get_or_insert(Killed::Stopped);
        }
        if stop.killed {
            end.killed.get_or_insert(Killed::Stopped);
        }
        end
    }

    pub(super) fn id(&self) -> u32 {
        self.pidfd.id()
    }

    /// Kills it, unless this process is a copy of the one whose child it is.
    pub(super) fn kill(&self) {
        if self.home.is_here() {
            self.pidfd.kill();
        }
    }

    /// Asks it to end, likewise.
    pub(super) fn terminate(&self) {
        if self.home.is_here() {
            self.pidfd.terminate();
        }
    }

    /// Notes what the child was started for, once.
    pub(super) fn assign(
        &self,
        name: String,
        worker: &'static str,
        is_service: bool,
        memory_limit: Option<MemoryLimit>,
    ) {
        let assignment = Assignment {
            name,
            worker,
            is_service,
            memory_limit,
        };
        let _ = self.assignment.set(assignment);
    }

    /// Has what the child logs be heard, once.
    pub(super) fn set_logs(&self, logs: Source) {
        let _ = self.logs.set(logs);
    }

    /// Waits until what the child has logged is handed on, but not for long.
    pub(super) fn catch_up_with_logs(&self) {
        if let Some(logs) = self.logs.get() {
            logs.catch_up();
        }
    }

    /// Has all that the child starts end with it. To be said while the monitor watches the child, and
    /// before that has its request.
    pub(super) fn set_lineage(&self, lineage: Lineage) {
        if let Some(watched) = lock(&self.watched).as_mut() {
            watched.watch.set_lineage(lineage);
        }
    }

    /// Keeps the last of what the child writes to its standard error. Likewise.
    pub(super) fn set_stderr_tail(&self, stderr_tail: Relayed) {
        if let Some(watched) = lock(&self.watched).as_mut() {
            watched.watch.set_stderr_tail(stderr_tail);
        }
    }

    /// Who ended, for the text of an error.
    pub(super) fn who(&self) -> Who<'_> {
        Who {
            subject: match self.worker() {
                "" => Subject::Other("it"),
                service if self.is_service() => Subject::Service(service),
                worker => Subject::Worker(worker),
            },
            id: self.id(),
            memory_limit: self.met_memory_limit(),
            is_out_of_memory: self.pidfd.is_out_of_memory(),
        }
    }

    fn is_service(&self) -> bool {
        self.assignment.get().is_some_and(|it| it.is_service)
    }

    /// The child's memory limit, if it crashed at that.
    pub(super) fn met_memory_limit(&self) -> Option<u64> {
        self.assignment.get()?.memory_limit.as_ref()?.met()
    }

    /// The name of the process.
    pub(super) fn name(&self) -> &str {
        self.assignment.get().map_or("", |it| &it.name)
    }

    /// The name of its worker.
    pub(super) fn worker(&self) -> &'static str {
        self.assignment.get().map_or("", |it| it.worker)
    }

    /// Whether the child has ended; if not, `waker` is woken when it has.
    pub(super) fn poll_ended(&self, waker: &Waker) -> bool {
        // Wakers are cloned and dropped by user code: not under the lock.
        let mut waker = Some(waker.clone());
        let ended = self.look(|watched| {
            let ended = watched.watch.is_over();
            if !ended {
                std::mem::swap(&mut watched.waker, &mut waker);
            }
            ended
        });
        ended.unwrap_or(true)
    }

    /// Whether the child has ended; `None` while a joining thread watches it.
    pub(super) fn has_ended(&self) -> Option<bool> {
        self.look(|watched| watched.watch.status().is_some())
    }

    /// How the child ended, if it has; `None` also while a joining thread watches it.
    pub(super) fn status(&self) -> Option<Status> {
        self.look(|watched| watched.watch.status()).flatten()
    }

    /// What the child had used up, as far as [`status`](Child::status) tells how it ended.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.look(|watched| watched.watch.usage()).flatten()
    }

    /// Looks at what is watched, after all that has happened is taken in.
    fn look<R>(&self, look: impl FnOnce(&mut Watched) -> R) -> Option<R> {
        let mut place = lock(&self.watched);
        let watched = place.as_mut()?;
        // There is a monitor, else nothing would be watched.
        let woken = ProcessMonitor::get().ok()?.advance(self, watched);
        let seen = look(watched);
        drop(place);
        for waker in woken {
            foreign::call(|| waker.wake());
        }
        Some(seen)
    }
}

impl Ending for Child {
    fn listen(&self, listener: Waker) {
        let mut left = Some(listener);
        self.look(|watched| {
            if !watched.watch.is_over() {
                watched.listeners.extend(left.take());
            }
        });
        if let Some(listener) = left {
            listener.wake();
        }
    }

    fn forget(&self, listener: &Waker) {
        let forgotten: Vec<_> = match lock(&self.watched).as_mut() {
            Some(watched) => watched
                .listeners
                .extract_if(.., |known| known.will_wake(listener))
                .collect(),
            None => Vec::new(),
        };
        drop(forgotten);
    }
}

/// What a child was started for.
#[derive(Debug)]
struct Assignment {
    name: String,
    worker: &'static str,
    /// Whether that is the name of a type that is served.
    is_service: bool,
    memory_limit: Option<MemoryLimit>,
}

/// The state of the monitor's thread that others reach.
#[derive(Debug)]
pub(super) struct ProcessMonitor {
    /// Woken when the thread has to look at its deadlines anew.
    poller: Poller,
    children: Mutex<HashMap<u64, Arc<Child>>>,
    deadlines: Mutex<Deadlines>,
    /// The process that has the thread.
    home: Home,
}

#[derive(Debug, Default)]
struct Deadlines {
    set: BTreeSet<(Instant, u64)>,
    /// When to kill children that were asked to stop.
    stops: BTreeSet<(Instant, u64)>,
    /// Until when the thread sleeps if nothing happens.
    sleeping_until: Option<Instant>,
}

impl ProcessMonitor {
    /// The monitor of this process, started at the first call.
    pub(super) fn get() -> io::Result<&'static ProcessMonitor> {
        static MONITOR: OnceLock<ProcessMonitor> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        if let Some(monitor) = MONITOR.get() {
            return Ok(monitor);
        }
        let _starting = lock(&STARTING);
        if let Some(monitor) = MONITOR.get() {
            return Ok(monitor);
        }
        let monitor = ProcessMonitor {
            poller: Poller::new()?,
            children: Mutex::default(),
            deadlines: Mutex::default(),
            home: Home::here(),
        };
        // The thread finds the monitor where it is about to be put.
        let thread = thread::Builder::new().name("multiproc-monitor".to_owned());
        thread.spawn(|| MONITOR.wait().run()).naming("clone")?;
        Ok(MONITOR.get_or_init(|| monitor))
    }

    /// The children that have not been seen to end, oldest first.
    pub(super) fn children() -> Vec<Arc<Child>> {
        let mut children: Vec<_> = match ProcessMonitor::get() {
            Ok(monitor) if !monitor.home.is_here() => Vec::new(),
            Ok(monitor) => {
                let children = lock(&monitor.children);
                let assigned = children
                    .values()
                    .filter(|child| child.assignment.get().is_some());
                assigned.cloned().collect()
            }
            Err(_) => Vec::new(),
        };
        children.sort_by_key(|child| child.key);
        children
    }

    /// Begins to watch a child.
    pub(super) fn watch(&self, child: &Arc<Child>, watch: Watch) -> io::Result<()> {
        // Locked before the thread can hear of the child.
        let mut watched = lock(&child.watched);
        let _ = child.connection.set(watch.share_connection());
        lock(&self.children).insert(child.key, Arc::clone(child));
        let watched = watched.insert(Watched {
            watch,
            armed: None,
            waker: None,
            listeners: Vec::new(),
        });
        let add = |source| self.poller.add(source, child.key, Interest::READABLE);
        let connection = watched.watch.connection();
        let added = add(child.pidfd.as_fd()).and_then(|()| connection.map_or(Ok(()), add));
        self.arm(child.key, watched);
        added
    }

    /// Asks a child to stop within this time, and has it killed then. The shortest time counts. False
    /// if it has ended.
    fn stop(&self, child: &Child, grace: Duration) -> bool {
        let mut stop = lock(&child.stop);
        if stop.over {
            return false;
        }
        let is_first = !std::mem::replace(&mut stop.asked, true);
        if is_first && let Some(connection) = child.connection.get().and_then(Weak::upgrade) {
            transport::end_sending(connection.as_fd());
        }
        if grace.is_zero() {
            stop.kill(child);
        } else if let Some(until) = deadline::after(grace)
            && stop.until.is_none_or(|before| until < before)
        {
            let mut deadlines = lock(&self.deadlines);
            if let Some(before) = stop.until.replace(until) {
                deadlines.stops.remove(&(before, child.key));
            }
            deadlines.stops.insert((until, child.key));
            self.wake_by(&mut deadlines, until);
        }
        true
    }

    /// Kills a child whose time to stop is over; the first time, it is asked where it is.
    fn end_stop(&self, key: u64) {
        let Some(child) = lock(&self.children).get(&key).cloned() else {
            return;
        };
        let mut stop = lock(&child.stop);
        if stop.over {
            return;
        }
        let is_heard = child
            .connection
            .get()
            .is_some_and(|it| it.strong_count() > 0);
        if stop.killed || !is_heard || child.pidfd.has_ended() {
            return stop.kill(&child);
        }
        // What it tells, the watch hears, which then kills it.
        stop.killed = true;
        let until = Inquiry::begin(&child.pidfd).until;
        stop.until = Some(until);
        lock(&self.deadlines).stops.insert((until, key));
    }

    /// Hands the watch to a thread that waits for this child. `None` if another has it.
    pub(super) fn release(&self, child: &Child) -> Option<Watch> {
        // The lock is kept until nothing is registered any more: the monitor's thread, which has just heard
        // of the child, would find nothing to take in and hear of it again at once, over and over.
        let mut place = lock(&child.watched);
        let mut watched = place.take()?;
        self.disarm(child.key, &mut watched);
        self.poller.remove(&child.pidfd);
        if let Some(connection) = watched.watch.connection() {
            self.poller.remove(connection);
        }
        let watch = &watched.watch;
        if (watch.is_assembling() || watch.status().is_some())
            && let Some(source) = watched.watch.source()
        {
            self.poller.remove(source);
        }
        Some(watched.watch)
    }

    /// Sets when the time of a child is over that the monitor watches.
    pub(super) fn set_timeout(&self, child: &Child, timeout: TimeLimit) {
        if let Some(watched) = lock(&child.watched).as_mut() {
            watched.watch.set_timeout(timeout);
            self.arm(child.key, watched);
        }
    }

    /// Forgets a child that is of no more interest. One that is not reaped is, once it can be.
    pub(super) fn forget(&self, child: &Child) {
        if !self.home.is_here() {
            return;
        }
        let forgotten = lock(&self.children).remove(&child.key);
        let mut stop = lock(&child.stop);
        stop.over = true;
        if let Some(until) = stop.until.take() {
            lock(&self.deadlines).stops.remove(&(until, child.key));
        }
        drop(stop);
        if forgotten.is_some() && !child.pidfd.is_reaped() {
            // An error leaves a zombie, which ends with this program. The descriptor is a duplicate,
            // since the child may be registered with its own.
            let _ = child.pidfd.duplicate().and_then(|pidfd| {
                let watch = Watch::cloned(pidfd.clone(), None);
                self.watch(&Child::new(pidfd), watch)
            });
        }
    }

    fn run(&self) {
        loop {
            let mut keys = self.poller.wait(self.next_deadline());
            for key in self.overdue_stops() {
                self.end_stop(key);
            }
            keys.extend(self.overdue());
            for key in keys {
                self.look_after(key);
            }
        }
    }

    fn look_after(&self, key: u64) {
        let Some(child) = lock(&self.children).get(&key).cloned() else {
            return;
        };
        let _ = child.look(|_| ());
    }

    /// Takes in all that has happened to a child, and sees to it that what is to come is heard of.
    /// Those who have to be woken, if the child has ended.
    fn advance(&self, child: &Child, watched: &mut Watched) -> Vec<Waker> {
        let connection = child.connection.get().and_then(Weak::upgrade);
        let is_over = watched.watch.advance();
        if watched.watch.status().is_some()
            && let Some(connection) = connection
        {
            // It was dropped, and would be told for ever as long as the thread that starts the child has
            // it too.
            self.poller.remove(connection.as_fd());
        }
        if is_over {
            self.disarm(child.key, watched);
            self.poller.remove(&child.pidfd);
            self.forget(child);
            let mut woken = std::mem::take(&mut watched.listeners);
            woken.extend(watched.waker.take());
            return woken;
        }
        let watch = &watched.watch;
        let has_ended = watch.status().is_some();
        if has_ended {
            // It would be told for ever.
            self.poller.remove(&child.pidfd);
        }
        match (watch.source(), watch.connection()) {
            (Some(source), _) if watch.is_assembling() || has_ended => {
                let _ = self.poller.add(source, child.key, Interest::READABLE);
            }
            (None, Some(connection)) => self.poller.remove(connection),
            _ => {}
        }
        self.arm(child.key, watched);
        Vec::new()
    }

    /// Brings the child's deadline up to date.
    fn arm(&self, key: u64, watched: &mut Watched) {
        let deadline = watched.watch.deadline();
        if watched.armed == deadline {
            return;
        }
        let mut deadlines = lock(&self.deadlines);
        if let Some(armed) = watched.armed.take() {
            deadlines.set.remove(&(armed, key));
        }
        if let Some(deadline) = deadline {
            deadlines.set.insert((deadline, key));
            watched.armed = Some(deadline);
            self.wake_by(&mut deadlines, deadline);
        }
    }

    /// Wakes the thread if it would sleep past a deadline.
    fn wake_by(&self, deadlines: &mut Deadlines, deadline: Instant) {
        if deadlines
            .sleeping_until
            .is_none_or(|until| deadline < until)
        {
            deadlines.sleeping_until = Some(deadline);
            self.poller.wake();
        }
    }

    fn disarm(&self, key: u64, watched: &mut Watched) {
        if let Some(armed) = watched.armed.take() {
            lock(&self.deadlines).set.remove(&(armed, key));
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let mut deadlines = lock(&self.deadlines);
        let first = [deadlines.set.first(), deadlines.stops.first()];
        deadlines.sleeping_until = first.into_iter().flatten().map(|(at, _)| *at).min();
        deadlines.sleeping_until
    }

    /// The children whose time to stop is over, once.
    fn overdue_stops(&self) -> Vec<u64> {
        let now = Instant::now();
        let mut overdue = Vec::new();
        let mut deadlines = lock(&self.deadlines);
        while let Some((at, key)) = deadlines.stops.first().copied()
            && at <= now
        {
            deadlines.stops.remove(&(at, key));
            overdue.push(key);
        }
        overdue
    }

    fn overdue(&self) -> Vec<u64> {
        let now = Instant::now();
        let deadlines = lock(&self.deadlines);
        deadlines
            .set
            .iter()
            .take_while(|(deadline, _)| *deadline <= now)
            .map(|(_, key)| *key)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use rustix::process::Pid;

    use super::*;
    use crate::sys::poll;

    #[test]
    #[expect(clippy::zombie_processes, reason = "the monitor reaps it")]
    fn nothing_is_told_any_more_of_a_child_that_has_ended() {
        let monitor = ProcessMonitor {
            poller: Poller::new().unwrap(),
            children: Mutex::default(),
            deadlines: Mutex::default(),
            home: Home::here(),
        };
        let (ours, theirs) = transport::pair().unwrap();
        // As the thread that starts it does, it keeps the connection meanwhile.
        let ours = Arc::new(ours);
        let (_sender, inbox) = transport::open_polled(Arc::clone(&ours)).unwrap();
        let process = Command::new("true").spawn().unwrap();
        let pidfd = Pidfd::open(Pid::from_child(&process)).unwrap();
        let child = Child::new(pidfd.clone());
        let watch = Watch::cloned(pidfd, Some(inbox));
        monitor.watch(&child, watch).unwrap();
        drop(theirs);
        let deadline = Instant::now() + Duration::from_secs(60);
        assert!(poll::wait_readable(child.pidfd.as_fd(), Some(deadline)));
        assert!(
            monitor
                .poller
                .wait(Some(Instant::now()))
                .contains(&child.key)
        );
        let mut place = lock(&child.watched);
        let watched = place.as_mut().unwrap();
        monitor.advance(&child, watched);
        assert!(watched.watch.status().is_some());
        assert!(monitor.poller.wait(Some(Instant::now())).is_empty());
    }
}
