//! A child that runs tasks for a pool, in the hands of the pool's supervisor.
//!
//! It is launched as all children are and then taken from the monitor, so that what it says and
//! how it ends wakes one thread.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::end::{End, Killed};
use super::end_poll::EndPoll;
#[cfg(test)]
use super::environment::Environment;
use super::environment::{Change, Changes};
use super::family;
use super::inquiry::Inquiry;
use super::launch::Launching;
use super::launched::{LaunchOptions, function, lineage};
use super::memory_limit::MemoryLimit;
use super::monitor::{Child, ProcessMonitor};
use super::relay::Relayed;
use super::role::Role;
use super::start_method::StartMethod;
use super::stderr_tail::Gauge;
use super::stdio::{Stdio, Streams};
use super::watch::handshake_deadline;
use super::{fork_server, spawn_refusal};
use crate::codec::Output;
use crate::crash::CrashReport;
use crate::descriptor::Fd;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::protocol::{Header, Request};
use crate::records::{self, Audience};
use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::lineage::Lineage;
use crate::sys::pidfd::{Pidfd, Status};
use crate::sys::poll;
use crate::transport::{EncodedMessage, Inbox, Limit, Outbox, Received, Sender, is_gone};

/// How the members of a pool are started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    pub(crate) name: String,
    pub(crate) start_method: StartMethod,
    pub(crate) limits: Limits,
    pub(super) environment: Changes,
    pub(super) current_dir: Option<PathBuf>,
    pub(super) before_worker: Option<fn()>,
    pub(crate) ignore_interrupts: bool,
    /// Of which each member has a duplicate; by default it has the parent's own.
    pub(crate) stdout: Option<Arc<Stdio>>,
    pub(crate) stderr: Option<Arc<Stdio>>,
    pub(crate) kill_descendants: bool,
    /// How much is kept of what each writes to its standard error.
    pub(crate) stderr_tail: Option<usize>,
    /// Who is told of what they log.
    pub(crate) audience: Audience,
}

impl Setup {
    /// Sets an environment variable.
    pub(crate) fn set_variable(&mut self, name: OsString, value: OsString) {
        self.environment.push(Change::Set(name, value));
    }

    /// Refuses what no process can have.
    pub(crate) fn check(&self) -> Result<()> {
        if self.name.contains('\0') {
            let text = format!(
                "the name {:?} of a pool's processes contains a NUL byte",
                self.name
            );
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let checked = self.environment.check();
        checked.map_err(not_started)
    }

    #[cfg(test)]
    pub(crate) fn variables(&self) -> Environment {
        self.environment.set()
    }

    fn streams(&self) -> io::Result<Streams> {
        let duplicate = |stream: &Option<Arc<Stdio>>| match stream {
            Some(stream) => stream.duplicate(),
            None => Ok(Stdio::inherit()),
        };
        Ok(Streams {
            stdin: Stdio::inherit(),
            stdout: duplicate(&self.stdout)?,
            stderr: duplicate(&self.stderr)?,
        })
    }
}

fn not_started(error: io::Error) -> Error {
    Error::not_started("cannot start a process for the pool", error)
}

/// A child that runs tasks.
#[derive(Debug)]
pub(crate) struct Member {
    child: Arc<Child>,
    sender: Sender,
    /// Kept until the end: while it is open, the child knows that its parent lives.
    inbox: Inbox,
    memory_limit: Option<u64>,
    /// The sign of its descendants, if they are to end with it.
    lineage: Option<Lineage>,
    /// The last of what it writes to its standard error, if that is wanted.
    stderr_tail: Option<Relayed>,
    /// When it has to have reached its dispatch.
    pub(crate) handshake: Option<Instant>,
    /// Kept from when it should end to its end.
    end_poll: Option<EndPoll>,
}

impl Member {
    /// Starts a child with a role, which is handed its board, and the pipe to which it writes its errors
    /// if the last of them is wanted, and will say when it is ready. It has this index among the members of
    /// its pool. The gauge is told how much has been taken out of that pipe.
    pub(crate) fn launch(
        setup: &Setup,
        role: &Role,
        board: BorrowedFd<'_>,
        index: usize,
        gauge: Arc<dyn Gauge>,
    ) -> Result<Member> {
        if let Some(reason) = spawn_refusal() {
            let text = format!("the pool cannot start processes: {reason}");
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let failed = not_started;
        let mut launch_options = LaunchOptions {
            streams: setup.streams().map_err(failed)?,
            environment: setup.environment.clone(),
            current_dir: setup.current_dir.clone(),
            ..LaunchOptions::default()
        };
        let before_worker = setup.before_worker.map(function).transpose()?;
        let lineage = setup.kill_descendants.then(lineage).transpose()?;
        let environment = match setup.start_method {
            StartMethod::ForkServer => launch_options.environment.for_clone(),
            StartMethod::Spawn => None,
        };
        let board = Fd::new(board.try_clone_to_owned().map_err(failed)?);
        let streams = &mut launch_options.streams;
        let (stderr_tail, stderr) = match setup.stderr_tail {
            Some(bytes) => {
                // Several processes have it, so it is not piped.
                let (relayed, _) =
                    Relayed::new(streams, bytes, Some(gauge), false).map_err(failed)?;
                let stderr = streams.duplicate_stderr().map_err(failed)?;
                (Some(relayed), stderr.map(Fd::new))
            }
            None => (None, None),
        };
        let launching = Launching::begin(setup.start_method, launch_options, &setup.limits);
        let launching = launching.map_err(failed)?;
        let (memory_limit, exhaustion) = MemoryLimit::of(&setup.limits).unzip();
        let (logs, invitation) = records::invite(setup.audience.clone()).map_err(failed)?;
        let header = Header {
            name: setup.name.clone(),
            parent: std::process::id(),
            environment,
            inheritance: launching.differences(),
            limits: setup.limits.clone(),
            exhaustion,
            before_worker,
            worker_index: Some(index),
            lineage,
            ignore_interrupts: setup.ignore_interrupts,
            logs: invitation,
            family: family::for_child(),
        };
        let mut request = Output::new(Request::Serve as u8);
        let written = request
            .write(&header)
            .and_then(|()| request.write(role.name))
            .and_then(|()| request.write::<Fd<OwnedFd>>(&board))
            .and_then(|()| request.write::<Option<Fd<OwnedFd>>>(&stderr));
        // Strings and numbers can always be written; for the others a descriptor may be missing.
        written.map_err(|error| failed(io::Error::other(error.to_string())))?;
        let launched = launching.finish().map_err(failed)?;
        let name = setup.name.clone();
        launched
            .child
            .set_logs(logs.start(&name, launched.child.id()));
        launched.child.assign(name, "", false, memory_limit);
        // Taken over before the child has anything to say but that it is there: what it says later
        // is for the pool.
        let monitor = ProcessMonitor::get().map_err(failed)?;
        let Some(mut watch) = monitor.release(&launched.child) else {
            return Err(failed(io::Error::other(
                "other code of the program waits for it",
            )));
        };
        let (inbox, greeted) = watch.take_inbox();
        let Some(inbox) = inbox else {
            let codec = crate::dispatch::result::<()>();
            let error = watch.finish().resolve(launched.child.who(), &codec);
            monitor.forget(&launched.child);
            let error = error.map_or_else(|error| error.to_string(), |()| "it left".to_owned());
            return Err(failed(io::Error::other(error)));
        };
        // Nothing else ends it, should it not receive.
        let limit = Limit::until(handshake_deadline()).while_alive(launched.child.pidfd.as_fd());
        match launched.sender.send_within(request, limit) {
            // Of a child that is gone already, its end will tell.
            Err(error) if !is_gone(&error) => {
                launched.child.pidfd.kill();
                let _ = monitor.watch(&launched.child, watch);
                return Err(failed(error));
            }
            _ => {}
        }
        fork_server::replenish();
        Ok(Member {
            child: launched.child,
            sender: launched.sender.for_long_messages(),
            inbox,
            memory_limit: setup.limits.memory,
            lineage,
            stderr_tail,
            handshake: match launched.start_method {
                StartMethod::Spawn if !greeted => handshake_deadline(),
                StartMethod::Spawn | StartMethod::ForkServer => None,
            },
            end_poll: None,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The sign of its descendants, if they are to end with it. Its end is not theirs: the pool sees to
    /// that.
    pub(crate) fn lineage(&self) -> Option<Lineage> {
        self.lineage
    }

    /// The limit on its memory for as long as it lives.
    pub(crate) fn memory_limit(&self) -> Option<u64> {
        self.memory_limit
    }

    /// The standard error of a member that has ended, if the last of it is wanted.
    pub(crate) fn stderr_tail(&self) -> Option<&Relayed> {
        self.stderr_tail.as_ref()
    }

    /// Whether it crashed at that.
    pub(crate) fn has_met_memory_limit(&self) -> bool {
        self.child.met_memory_limit().is_some()
    }

    /// Begins to send a message; what could not be sent at once remains.
    ///
    /// To a child that is gone, it is as if it had been sent.
    ///
    /// # Errors
    ///
    /// There is no room for its beginning, since the child has not taken what was sent before; and as
    /// [`send`](Sender::send).
    pub(crate) fn send(&self, message: EncodedMessage) -> io::Result<Option<Outbox>> {
        match self.sender.begin(message) {
            Err(error) if is_gone(&error) => Ok(None),
            result => result,
        }
    }

    /// What the child says next, if all of it is there.
    pub(crate) fn receive(&mut self) -> io::Result<Received> {
        self.inbox.receive()
    }

    /// The connection, and what to wait for when a long message arrives beside it.
    pub(crate) fn sources(&self) -> (BorrowedFd<'_>, Option<BorrowedFd<'_>>) {
        let assembly = self.inbox.is_assembling().then(|| self.inbox.source());
        (self.inbox.connection(), assembly)
    }

    /// The connection, for who waits beside the pool's supervisor.
    pub(crate) fn connection(&self) -> Arc<OwnedFd> {
        self.inbox.share()
    }

    pub(crate) fn pidfd(&self) -> &Pidfd {
        &self.child.pidfd
    }

    /// Asks it where it is. It is to be killed then.
    pub(crate) fn inquire(&self) -> Inquiry {
        Inquiry::begin(&self.child.pidfd)
    }

    pub(crate) fn kill(&mut self) {
        self.child.pidfd.kill();
        self.expect_end();
    }

    /// Has its end looked for from now on: it has nothing more to say.
    pub(crate) fn expect_end(&mut self) {
        self.end_poll.get_or_insert_default();
    }

    /// When to look whether it has ended, even if nothing is heard of that.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        self.end_poll.as_ref().map(EndPoll::next)
    }

    /// Ends the child, and waits until it has.
    pub(crate) fn end(mut self) {
        self.kill();
        while self.reap().is_none() {
            poll::wait_readable(self.child.pidfd.as_fd(), self.next_look());
        }
        if let Some(lineage) = self.lineage {
            lineage.end();
        }
    }

    /// How it ended, once it has. Not to be asked again then.
    pub(crate) fn reap(&mut self) -> Option<Status> {
        let pidfd = &self.child.pidfd;
        let unreapable = || self.end_poll.as_mut()?.look(pidfd);
        let status = pidfd.reap().or_else(unreapable)?;
        if let Some(stderr_tail) = &self.stderr_tail {
            stderr_tail.end();
        }
        if let Ok(monitor) = ProcessMonitor::get() {
            monitor.forget(&self.child);
        }
        Some(status)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Ok(monitor) = ProcessMonitor::get() {
            monitor.forget(&self.child);
        }
    }
}

/// The end of a child that left a task unanswered.
pub(crate) fn end(status: Status, killed: Option<Killed>, crash: CrashReport) -> End {
    End {
        reply: None,
        broken: None,
        crash,
        status,
        usage: None,
        stderr_tail: None,
        asked: None,
        killed,
        greeted: true,
    }
}
