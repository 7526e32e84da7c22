//! Short calls that are alone: they are handed to an agent, past the queue.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use multiproc::{Call, ErrorKind, TaskState};
use multiproc_cluster::{Cluster, ClusterBuilder, Task};

use crate::basics::agent_here;
use crate::proxy::{Proxy, Tasks};
use crate::support::{self, AgentProcess, Directory, NatsServer, signal, wait_until, within};
use crate::workers::{crash, dies_once, doze, noted, runs, square, wait_for};

const LONG: Duration = Duration::from_secs(600);

/// A submitter whose messages are watched.
struct Watched {
    proxy: Proxy<Tasks>,
    cluster: Cluster,
}

impl Watched {
    fn of(server: &NatsServer, workers: usize) -> Watched {
        Watched::with(server, workers, |builder| builder)
    }

    fn with(
        server: &NatsServer,
        workers: usize,
        configure: impl FnOnce(ClusterBuilder) -> ClusterBuilder,
    ) -> Watched {
        let proxy = Proxy::before(server.port, Tasks::default());
        let builder = Cluster::builder(support::server(&proxy.url()));
        let cluster = configure(builder).connect().unwrap();
        assert!(cluster.wait_for_workers(workers, Duration::from_secs(30)));
        Watched { proxy, cluster }
    }

    fn counts(&self) -> (usize, usize) {
        let rules = self.proxy.rules();
        (rules.handed, rules.put)
    }

    /// Runs a short call. It may be handed to an agent that was just killed.
    fn warm_up(&self) {
        let call = square::call(3).retries(2);
        assert_eq!(self.cluster.submit(call).wait().unwrap(), 9);
    }

    /// Submits it as a call that is alone, after a short one, until it goes to an agent, and not into the queue: whether
    /// the one before was short is up to the machine. One that may have begun elsewhere is not of use any more, so
    /// each is given its number.
    fn hand<'a, R>(&self, call: impl FnMut(u64) -> Call<'a, R>) -> (u64, Task<R>) {
        self.hand_or(call, || {})
    }

    /// The same; does something before it tries again.
    fn hand_or<'a, R>(
        &self,
        mut call: impl FnMut(u64) -> Call<'a, R>,
        mut again: impl FnMut(),
    ) -> (u64, Task<R>) {
        for number in 1.. {
            self.warm_up();
            let before = self.counts();
            let task = self.cluster.submit(call(number));
            wait_until("it is on its way", || self.counts() != before);
            if self.counts() == (before.0 + 1, before.1) {
                return (number, task);
            }
            task.cancel();
            again();
        }
        unreachable!("numbers do not end")
    }
}

/// A server, an agent with one worker, and a submitter that is watched.
fn watched() -> (NatsServer, AgentProcess, Watched) {
    let server = NatsServer::start();
    let agent = AgentProcess::start(&server.url(), 1);
    let submitter = Watched::of(&server, 1);
    (server, agent, submitter)
}

/// A file in which calls note that they run.
struct Notes {
    path: PathBuf,
    _directory: Directory,
}

impl Notes {
    fn new() -> Notes {
        let directory = Directory::new();
        Notes {
            path: directory.path().join("notes"),
            _directory: directory,
        }
    }

    /// How often a number was noted.
    fn times(&self, number: u64) -> usize {
        let runs = runs(self);
        runs.into_iter().filter(|it| *it == number).count()
    }
}

impl Deref for Notes {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.path
    }
}

/// Does something with what a server keeps.
fn with_streams<F>(server: &NatsServer, act: impl FnOnce(async_nats::jetstream::Context) -> F)
where
    F: Future<Output = ()>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = async_nats::connect(server.url()).await.unwrap();
        act(async_nats::jetstream::new(client)).await;
    });
}

#[test]
fn short_calls_go_past_the_queue_and_long_ones_do_not() {
    within(120, || {
        let (_server, _agent, submitter) = watched();
        let notes = Notes::new();
        let mut count = 0;
        while submitter.counts().0 < 20 {
            count += 1;
            let call = noted::call(&notes, count, Duration::ZERO);
            assert_eq!(submitter.cluster.submit(call).wait().unwrap(), count);
        }
        // What is handed over is not put, unless it is not taken.
        let (handed, put) = submitter.counts();
        let not_taken = submitter.proxy.rules().not_taken;
        assert_eq!((handed - not_taken + put) as u64, count);
        assert!(runs(&notes).into_iter().eq(1..=count));
        // After one that takes a while.
        let pause = Duration::from_millis(20);
        submitter.cluster.submit(doze::call(pause)).wait().unwrap();
        let before = submitter.counts();
        assert_eq!(
            submitter.cluster.submit(square::call(4)).wait().unwrap(),
            16
        );
        assert_eq!(submitter.counts(), (before.0, before.1 + 1));
    });
}

#[test]
fn short_calls_beside_others_do_not_go_past_the_queue() {
    within(60, || {
        let server = NatsServer::start();
        let _agent = AgentProcess::start(&server.url(), 2);
        let submitter = Watched::of(&server, 2);
        let long = submitter.cluster.submit(doze::call(LONG));
        wait_until("it runs", || long.state() == TaskState::Running);
        let before = submitter.counts();
        for x in 0..50 {
            assert_eq!(
                submitter.cluster.submit(square::call(x)).wait().unwrap(),
                x * x
            );
        }
        assert_eq!(submitter.counts(), (before.0, before.1 + 50));
        long.cancel();
    });
}

#[test]
fn what_is_lost_on_its_way_to_an_agent_is_put_and_runs_once() {
    within(120, || {
        let (_server, _agent, submitter) = watched();
        let notes = Notes::new();
        submitter.proxy.rules().are_lost = true;
        let (number, task) = submitter.hand(|n| noted::call(&notes, n, Duration::ZERO));
        assert_eq!(task.wait().unwrap(), number);
        assert_eq!(notes.times(number), 1);
    });
}

#[test]
fn what_is_lost_on_its_way_to_an_agent_with_its_server_is_put_and_runs_once() {
    within(120, || {
        let (mut server, _agent, submitter) = watched();
        let notes = Notes::new();
        submitter.proxy.rules().are_lost = true;
        let (number, task) = submitter.hand(|n| noted::call(&notes, n, Duration::ZERO));
        server.kill();
        server.restart();
        assert_eq!(task.wait().unwrap(), number);
        assert_eq!(notes.times(number), 1);
    });
}

#[test]
fn a_result_that_is_not_heard_is_found_although_its_agent_is_gone() {
    within(120, || {
        let (server, mut agent, submitter) = watched();
        let notes = Notes::new();
        let call = |n| {
            submitter.proxy.rules().results_are_lost = true;
            noted::call(&notes, n, Duration::ZERO)
        };
        let again = || {
            let mut rules = submitter.proxy.rules();
            rules.results_are_lost = false;
            rules.lost_results = 0;
        };
        let (number, task) = submitter.hand_or(call, again);
        wait_until("its result is lost", || {
            submitter.proxy.rules().lost_results > 0
        });
        agent.kill();
        let _other = AgentProcess::start(&server.url(), 1);
        assert_eq!(task.wait().unwrap(), number);
        assert_eq!(notes.times(number), 1);
    });
}

#[test]
fn what_comes_to_an_agent_after_it_was_asked_for_it_is_not_taken() {
    within(120, || {
        let server = NatsServer::start();
        let _agents = [(); 2].map(|()| AgentProcess::start(&server.url(), 1));
        let submitter = Watched::of(&server, 2);
        let notes = Notes::new();
        submitter.proxy.rules().are_late = true;
        let mut before = 0;
        let (number, task) = submitter.hand(|n| {
            before = submitter.proxy.rules().not_taken;
            noted::call(&notes, n, Duration::from_millis(300))
        });
        assert_eq!(task.wait().unwrap(), number);
        wait_until("it is not taken", || {
            submitter.proxy.rules().not_taken > before
        });
        assert_eq!(notes.times(number), 1);
    });
}

#[test]
fn an_agent_that_is_busy_does_not_take_it_and_another_runs_it() {
    within(120, || {
        let (server, _busy, submitter) = watched();
        let other = server.cluster();
        for are_lost in [false, true] {
            // The agent is known to the submitter, and then busy for another one.
            let (long, task) = loop {
                let (_, task) = submitter.hand(square::call);
                task.wait().unwrap();
                let long = other.submit(doze::call(LONG));
                wait_until("it runs", || long.state() == TaskState::Running);
                submitter.proxy.rules().answers_are_lost = are_lost;
                let not_taken = submitter.proxy.rules().not_taken;
                let before = submitter.counts();
                let task = submitter.cluster.submit(square::call(5));
                wait_until("it is on its way", || submitter.counts() != before);
                if submitter.counts().0 > before.0 {
                    wait_until("it is not taken", || {
                        submitter.proxy.rules().not_taken > not_taken
                    });
                    submitter.proxy.rules().answers_are_lost = false;
                    break (long, task);
                }
                // The one before was not short.
                submitter.proxy.rules().answers_are_lost = false;
                task.cancel();
                long.cancel();
            };
            let idle = AgentProcess::start(&server.url(), 1);
            assert_eq!(task.wait().unwrap(), 25);
            submitter.proxy.rules().answers_are_lost = false;
            drop(idle);
            long.cancel();
        }
    });
}

#[test]
fn tasks_of_others_are_not_held_up_by_one_that_is_handed_over() {
    within(120, || {
        let (server, _agent, submitter) = watched();
        // It takes the worker for which the agent has asked for a task.
        let (_, long) = submitter.hand(|_| doze::call(LONG));
        wait_until("it runs", || long.state() == TaskState::Running);
        let other = server.cluster();
        let task = other.submit(square::call(6));
        thread::sleep(Duration::from_millis(200));
        let _idle = AgentProcess::start(&server.url(), 1);
        assert_eq!(task.wait().unwrap(), 36);
        assert!(!long.is_finished());
        // Its worker is free again at once.
        assert!(long.cancel());
        assert_eq!(long.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        let both = [7, 8].map(|x| other.submit(doze::call(Duration::from_millis(x))));
        let both = both.map(|it| it.wait().unwrap());
        assert!(both.iter().all(|it| *it > 0));
    });
}

#[test]
fn what_was_handed_to_an_agent_that_is_killed_is_lost_or_tried_again() {
    within(120, || {
        let server = NatsServer::start();
        let notes = Notes::new();
        for retries in [0, 1] {
            let mut agent = AgentProcess::start(&server.url(), 1);
            let submitter = Watched::of(&server, 1);
            let pause = Duration::from_secs(2);
            let first = 1_000_000 * u64::from(retries);
            let (number, task) =
                submitter.hand(|n| noted::call(&notes, first + n, pause).retries(retries));
            let number = first + number;
            wait_until("it runs", || notes.times(number) == 1);
            assert!(!task.is_finished());
            let _other = AgentProcess::start(&server.url(), 1);
            agent.kill();
            if retries == 0 {
                let error = task.wait().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
                assert!(error.to_string().contains("may have run"), "{error}");
                assert_eq!(notes.times(number), 1);
            } else {
                assert_eq!(task.wait().unwrap(), number);
                assert_eq!(notes.times(number), 2);
            }
        }
    });
}

#[test]
fn an_agent_that_was_stopped_runs_what_it_was_handed_no_more_often_than_it_may() {
    within(120, || {
        let server = NatsServer::start();
        let notes = Notes::new();
        for retries in [0, 1] {
            let agent = AgentProcess::start(&server.url(), 1);
            let submitter = Watched::of(&server, 1);
            let first = 1_000_000 * u64::from(retries);
            // It is on its way when the agent is stopped, which may happen before or after it has begun.
            let call = |n| {
                signal("STOP", agent.id());
                noted::call(&notes, first + n, Duration::ZERO).retries(retries)
            };
            let (number, task) = submitter.hand_or(call, || signal("CONT", agent.id()));
            let number = first + number;
            let _other = AgentProcess::start(&server.url(), 1);
            let result = task.wait();
            signal("CONT", agent.id());
            match result {
                Ok(it) => assert_eq!((it, retries), (number, 1)),
                Err(error) => assert_eq!((error.kind(), retries), (ErrorKind::Lost, 0), "{error}"),
            }
            // The agent that is back may run it, too.
            thread::sleep(Duration::from_millis(500));
            assert!(notes.times(number) <= 1 + retries as usize);
        }
    });
}

#[test]
fn a_crash_of_the_server_does_not_disturb_what_was_handed_over() {
    within(120, || {
        let (mut server, _agent, submitter) = watched();
        let notes = Notes::new();
        // It ends while the server is away, and when it is back.
        for (first, pause) in [(0, 1), (1_000_000, 6)] {
            let pause = Duration::from_secs(pause);
            let (number, task) = submitter.hand(|n| noted::call(&notes, first + n, pause));
            let number = first + number;
            wait_until("it runs", || notes.times(number) == 1);
            server.kill();
            thread::sleep(Duration::from_secs(2));
            server.restart();
            assert_eq!(task.wait().unwrap(), number);
            assert_eq!(notes.times(number), 1);
        }
    });
}

#[test]
fn an_agent_that_ends_does_not_take_what_it_would_not_run() {
    within(120, || {
        let server = NatsServer::start();
        let other = server.cluster();
        let (stopper, running) = agent_here(&server, 2);
        let submitter = Watched::of(&server, 2);
        // Until that ends, the agent is there.
        let long = other.submit(doze::call(LONG));
        wait_until("it runs", || long.state() == TaskState::Running);
        let (_, task) = submitter.hand(square::call);
        task.wait().unwrap();
        // The submitter does not hear that it is told to stop.
        submitter.proxy.rules().is_deaf = true;
        stopper.stop();
        wait_until("it says that it ends", || other.agents().is_empty());
        let task = submitter.cluster.submit(square::call(7));
        submitter.proxy.rules().is_deaf = false;
        let _next = AgentProcess::start(&server.url(), 1);
        assert_eq!(task.wait().unwrap(), 49);
        // It holds nothing that would keep it from its end.
        long.cancel();
        running.join().unwrap().unwrap();
    });
}

#[test]
fn a_worker_that_dies_of_it_is_an_error_at_once_or_tried_again() {
    within(60, || {
        let (_server, _agent, submitter) = watched();
        let (_, task) = submitter.hand(|_| crash::call());
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Signaled);
        let notes = Notes::new();
        let (number, task) = submitter.hand(|n| dies_once::call(&notes, n).retries(1));
        assert_eq!(task.wait().unwrap(), number);
        assert_eq!(notes.times(number), 2);
    });
}

#[test]
fn what_comes_when_its_agent_has_ended_is_put() {
    within(120, || {
        let server = NatsServer::start();
        let (stopper, running) = agent_here(&server, 1);
        let submitter = Watched::of(&server, 1);
        let notes = Notes::new();
        {
            // Nor is it heard that there is no such agent any more.
            let mut rules = submitter.proxy.rules();
            rules.are_late = true;
            rules.answers_are_lost = true;
        }
        let (number, task) = submitter.hand(|n| noted::call(&notes, n, Duration::ZERO));
        stopper.stop();
        running.join().unwrap().unwrap();
        let _next = AgentProcess::start(&server.url(), 1);
        assert_eq!(task.wait().unwrap(), number);
        assert_eq!(notes.times(number), 1);
    });
}

#[test]
fn agents_that_are_told_to_stop_leave_nothing_behind() {
    within(120, || {
        let server = NatsServer::start();
        let submitter = {
            let _first = AgentProcess::start(&server.url(), 1);
            Watched::of(&server, 1)
        };
        let mut x = 0;
        for _ in 0..5 {
            let (stopper, running) = agent_here(&server, 1);
            submitter.warm_up();
            let before = submitter.counts().0;
            // It ends between two calls, or within one.
            while submitter.counts().0 < before + 50 {
                x += 1;
                let result = submitter.cluster.submit(square::call(x)).wait();
                assert_eq!(result.unwrap(), x * x);
            }
            let task = submitter.cluster.submit(square::call(x));
            stopper.stop();
            let _next = AgentProcess::start(&server.url(), 1);
            assert_eq!(task.wait().unwrap(), x * x);
            running.join().unwrap().unwrap();
        }
        // What has begun comes to its end.
        let (stopper, running) = agent_here(&server, 1);
        let pause = Duration::from_secs(8);
        let (_, task) = submitter.hand(|_| doze::call(pause));
        wait_until("it runs", || task.state() == TaskState::Running);
        stopper.stop();
        task.wait().unwrap();
        running.join().unwrap().unwrap();
    });
}

#[test]
fn what_was_handed_to_an_agent_that_is_gone_ends_when_the_server_does_not_say_or_take_more() {
    within(120, || {
        // It cannot be looked up whether there is a result; or it cannot be put for its next attempt.
        for (stream, retries) in [("multiproc-records", 0), ("multiproc-tasks", 1)] {
            let server = NatsServer::start();
            let mut agent = AgentProcess::start(&server.url(), 1);
            let submitter = Watched::with(&server, 1, |builder| {
                builder.server_timeout(Duration::from_secs(3))
            });
            let (_, task) = submitter.hand(|_| doze::call(LONG).retries(retries));
            wait_until("it runs", || task.state() == TaskState::Running);
            let _other = AgentProcess::start(&server.url(), 1);
            with_streams(&server, async |streams| {
                streams.delete_stream(stream).await.unwrap();
            });
            agent.kill();
            let error = task.wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
            assert!(error.to_string().contains("may have run"), "{error}");
        }
    });
}

#[test]
fn an_agent_that_is_not_heard_now_and_then_is_not_gone() {
    within(120, || {
        let (_server, _agent, submitter) = watched();
        submitter.proxy.rules().questions_are_lost = true;
        let directory = Directory::new();
        let release = directory.path().join("release");
        let (_, task) = submitter.hand(|_| wait_for::call(&release));
        wait_until("it runs", || task.state() == TaskState::Running);
        let before = submitter.proxy.rules().questions;
        // At least four are lost.
        wait_until("it was asked for", || {
            submitter.proxy.rules().questions > before + 8 || task.is_finished()
        });
        std::fs::write(&release, "").unwrap();
        task.wait().unwrap();
    });
}

#[test]
fn a_server_that_does_not_answer_for_a_while_is_no_agent_that_is_gone() {
    within(120, || {
        let (server, _agent, submitter) = watched();
        let notes = Notes::new();
        let pause = Duration::from_secs(12);
        let (number, task) = submitter.hand(|n| noted::call(&notes, n, pause));
        wait_until("it runs", || notes.times(number) == 1);
        // No shorter than several questions to its agent, and too short for a connection to be given up.
        signal("STOP", server.id());
        thread::sleep(Duration::from_secs(8));
        signal("CONT", server.id());
        assert_eq!(task.wait().unwrap(), number);
        assert_eq!(notes.times(number), 1);
    });
}

#[test]
fn a_stream_that_keeps_what_is_handed_over_does_not_answer_for_the_agent() {
    within(120, || {
        let server = NatsServer::start();
        let agents = [(); 2].map(|()| AgentProcess::start(&server.url(), 1));
        let submitter = Watched::of(&server, agents.len());
        with_streams(&server, async |streams| {
            let config = async_nats::jetstream::stream::Config {
                name: "audit".to_owned(),
                subjects: vec!["multiproc.h.>".to_owned()],
                ..Default::default()
            };
            streams.create_stream(config).await.unwrap();
        });
        let notes = Notes::new();
        let pause = Duration::from_secs(1);
        for number in 1.. {
            assert_eq!(submitter.cluster.submit(square::call(3)).wait().unwrap(), 9);
            let before = submitter.counts().0;
            let call = noted::call(&notes, number, pause);
            assert_eq!(submitter.cluster.submit(call).wait().unwrap(), number);
            if submitter.counts().0 > before {
                thread::sleep(pause);
                assert_eq!(notes.times(number), 1);
                break;
            }
        }
    });
}
