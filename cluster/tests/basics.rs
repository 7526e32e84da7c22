//! Where nothing goes wrong but tasks.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use multiproc::sync::Mutex;
use multiproc::{ErrorKind, Executor, ExecutorTask, Pool, Result, TaskState};
use multiproc_cluster::{Agent, AgentStop, Cluster};

use crate::support::{AgentProcess, Directory, NatsServer, cluster, wait_until, within};
use crate::workers::{bytes, crash, doze, fail, length, noted, runs, square};

#[test]
fn a_task_has_its_result() {
    within(60, || {
        let (_server, _agents, cluster) = cluster(1, 1);
        assert_eq!(cluster.submit(square::call(7)).wait().unwrap(), 49);
        let stats = cluster.stats();
        assert_eq!((stats.submitted, stats.finished, stats.open), (1, 1, 0));
    });
}

#[test]
fn what_is_noted_of_a_task_is_kept_for_as_long_as_the_task() {
    within(60, || {
        let server = NatsServer::start();
        let age = Duration::from_secs(5000);
        let _cluster = server.builder().task_age(age).connect().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let client = async_nats::connect(server.url()).await.unwrap();
            let context = async_nats::jetstream::new(client);
            for name in ["multiproc-tasks", "multiproc-records"] {
                let stream = context.get_stream(name).await.unwrap();
                assert_eq!(stream.cached_info().config.max_age, age, "{name}");
            }
        });
    });
}

#[test]
fn a_map_has_the_results_in_order() {
    within(60, || {
        let (_server, _agents, cluster) = cluster(2, 2);
        let squares = cluster.map(square::call, 0..3000);
        let squares: Vec<u64> = squares.collect::<Result<_>>().unwrap();
        assert!(
            squares
                .iter()
                .enumerate()
                .all(|(n, it)| *it == (n * n) as u64)
        );
        assert_eq!(squares.len(), 3000);
        let stats = cluster.stats();
        assert!(stats.messages < 1500, "short calls go together: {stats:?}");
        let sum: u64 = cluster
            .map_unordered(square::call, 0..100)
            .sum::<Result<_>>()
            .unwrap();
        assert_eq!(sum, 328_350);
        let mut indices: Vec<_> = cluster
            .map_unordered(square::call, 0..100)
            .chunk_size(7)
            .indexed()
            .map(|(index, it)| {
                assert_eq!(it.unwrap(), (index * index) as u64);
                index
            })
            .collect();
        indices.sort_unstable();
        assert!(indices.into_iter().eq(0..100));
    });
}

#[test]
fn a_map_takes_inputs_as_it_goes() {
    within(60, || {
        let (_server, _agents, cluster) = cluster(1, 1);
        let taken = std::cell::Cell::new(0);
        let inputs = (0..).inspect(|_| taken.set(taken.get() + 1));
        let mut squares = cluster.map(square::call, inputs).buffered(10);
        assert_eq!(squares.nth(49).unwrap().unwrap(), 49 * 49);
        assert!(taken.get() <= 60, "{}", taken.get());
        drop(squares);
        wait_until("all is cancelled", || cluster.stats().open == 0);
    });
}

#[test]
fn errors_are_those_of_a_pool() {
    within(120, || {
        let (_server, _agents, cluster) = cluster(1, 1);
        let pool = Pool::builder().workers(1).build().unwrap();
        let of_both = [
            (
                cluster.submit(fail::call()).wait(),
                pool.submit(fail::call()).wait(),
            ),
            (
                cluster.submit(crash::call()).wait(),
                pool.submit(crash::call()).wait(),
            ),
            (
                cluster
                    .submit(doze::call(Duration::from_secs(60)).timeout(Duration::from_millis(50)))
                    .wait(),
                pool.submit(doze::call(Duration::from_secs(60)).timeout(Duration::from_millis(50)))
                    .wait(),
            ),
        ];
        for (here, there) in of_both {
            let (here, there) = (here.unwrap_err(), there.unwrap_err());
            assert_eq!(here.kind(), there.kind());
            assert_eq!(here.worker(), there.worker());
            assert_eq!(here.panic(), there.panic());
            assert_eq!(here.signal(), there.signal());
            let without_id =
                |it: &multiproc::Error| it.to_string().split(" (pid").next().unwrap().to_owned();
            assert_eq!(without_id(&here), without_id(&there));
        }
        let error = cluster.map(
            |x: u64| {
                if x == 3 {
                    fail::call()
                } else {
                    doze::call(Duration::ZERO)
                }
            },
            0..5,
        );
        let errors: Vec<_> = error.filter_map(Result::err).collect();
        assert_eq!(errors.len(), 1);
        assert_eq!(errors[0].input(), Some(3));
    });
}

#[test]
fn handles_are_refused_before_anything_is_sent() {
    within(60, || {
        let server = NatsServer::start();
        let cluster = server.cluster();
        let lock = Mutex::new(7_u64).unwrap();
        let task = cluster.submit(multiproc::call(lock, |lock| *lock.lock().unwrap()));
        assert!(task.is_finished());
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Unsupported);
        let task = cluster.submit(square::call(1).env("A", "b"));
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(cluster.stats().messages, 0);
    });
}

#[test]
fn a_handle_in_a_result_is_an_error() {
    within(60, || {
        let (_server, _agents, cluster) = cluster(1, 1);
        let call = multiproc::call(7_u64, |x| Mutex::new(x).unwrap());
        let error = cluster.submit(call).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.to_string().contains("handle"), "{error}");
    });
}

#[test]
fn long_arguments_and_results_arrive_and_are_removed() {
    within(120, || {
        let (_server, _agents, cluster) = cluster(1, 1);
        let long = 3 << 20;
        assert_eq!(
            cluster.submit(length::call(vec![1; long])).wait().unwrap(),
            long
        );
        let result = cluster.submit(bytes::call(long)).wait().unwrap();
        assert!(result.len() == long && result.iter().all(|it| *it == 7));
        let lengths = cluster.map(length::call, (0..4).map(|n| vec![0; n << 19]));
        let lengths: Vec<_> = lengths.collect::<Result<_>>().unwrap();
        assert_eq!(lengths, [0, 1 << 19, 2 << 19, 3 << 19]);
    });
}

#[test]
fn a_queued_task_that_is_cancelled_never_runs() {
    within(60, || {
        let (_server, _agents, cluster) = cluster(1, 1);
        let directory = Directory::new();
        let notes = directory.path().join("notes");
        let first = cluster.submit(noted::call(&notes, 1, Duration::from_secs(3)));
        wait_until("the first runs", || first.state() == TaskState::Running);
        let second = cluster.submit(noted::call(&notes, 2, Duration::ZERO));
        let third = cluster.submit(noted::call(&notes, 3, Duration::ZERO));
        assert!(second.cancel());
        assert!(!second.cancel());
        assert_eq!(second.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(first.wait().unwrap(), 1);
        assert_eq!(third.wait().unwrap(), 3);
        assert_eq!(runs(&notes), [1, 3]);
    });
}

#[test]
fn a_running_task_that_is_cancelled_is_killed() {
    within(60, || {
        let (_server, _agents, cluster) = cluster(1, 1);
        let begin = Instant::now();
        let task = cluster.submit(doze::call(Duration::from_secs(600)));
        wait_until("it runs", || task.state() == TaskState::Running);
        assert!(task.cancel());
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        // The worker is free again, or this would take ten minutes.
        assert_eq!(cluster.submit(square::call(3)).wait().unwrap(), 9);
        let task = cluster.submit(doze::call(Duration::from_secs(600)).kill_on_drop(true));
        wait_until("it runs", || task.state() == TaskState::Running);
        drop(task);
        assert_eq!(cluster.submit(square::call(4)).wait().unwrap(), 16);
        assert!(begin.elapsed() < Duration::from_secs(300));
    });
}

#[test]
fn code_that_does_not_care_where_runs_here_too() {
    fn sum<E: Executor>(executor: &E) -> u64 {
        let one = executor.submit(square::call(10));
        let others = executor.map_unordered(square::call, 0..4);
        let sum: u64 = others.map(Result::unwrap).sum();
        sum + ExecutorTask::wait(one).unwrap()
    }
    within(60, || {
        let (_server, _agents, cluster) = cluster(1, 1);
        assert_eq!(sum(&cluster), 114);
        assert_eq!(sum(&Pool::builder().workers(1).build().unwrap()), 114);
    });
}

#[test]
fn agents_are_known_and_say_when_they_leave() {
    within(60, || {
        let (server, mut agents, cluster) = cluster(2, 3);
        let known = cluster.agents();
        let mut ids: Vec<_> = known.iter().map(|agent| agent.process).collect();
        let mut expected: Vec<_> = agents.iter().map(AgentProcess::id).collect();
        ids.sort_unstable();
        expected.sort_unstable();
        assert_eq!(ids, expected);
        assert!(known.iter().all(|agent| agent.workers == 3));
        agents[0].kill();
        wait_until("one is missed", || cluster.agents().len() == 1);
        let _third = AgentProcess::start(&server.url(), 1);
        assert!(cluster.wait_for_workers(4, Duration::from_secs(30)));
    });
}

/// An agent in a thread of this process.
pub fn agent_here(server: &NatsServer, workers: usize) -> (AgentStop, JoinHandle<Result<()>>) {
    let agent = Agent::connect(crate::support::server(&server.url())).unwrap();
    let stopper = agent.stopper();
    (stopper, thread::spawn(move || agent.workers(workers).run()))
}

#[test]
fn an_agent_that_is_stopped_finishes_what_it_runs() {
    within(60, || {
        let server = NatsServer::start();
        let (stopper, thread) = agent_here(&server, 1);
        let cluster = server.cluster();
        let first = cluster.submit(doze::call(Duration::from_secs(3)));
        let second = cluster.submit(square::call(5));
        wait_until("it runs", || first.state() == TaskState::Running);
        stopper.stop();
        first.wait().unwrap();
        thread.join().unwrap().unwrap();
        assert!(cluster.agents().is_empty());
        assert!(!second.is_finished());
        let _other = AgentProcess::start(&server.url(), 1);
        assert_eq!(second.wait().unwrap(), 25);
    });
}

#[test]
fn an_agent_that_takes_long_to_stop_is_not_given_up() {
    within(60, || {
        let server = NatsServer::start();
        let (stopper, thread) = agent_here(&server, 1);
        let limit = Duration::from_millis(500);
        let cluster = server.builder().agent_timeout(limit).connect().unwrap();
        // Longer than both times together, after which an agent that is not heard is given up.
        let time = Duration::from_secs(6);
        let task = cluster.submit(doze::call(time));
        wait_until("it runs", || task.state() == TaskState::Running);
        let _other = AgentProcess::start(&server.url(), 1);
        assert!(cluster.wait_for_workers(2, Duration::from_secs(30)));
        stopper.stop();
        task.wait().unwrap();
        thread.join().unwrap().unwrap();
    });
}

#[test]
fn waiting_from_within_an_executor_and_from_two_threads_works() {
    within(60, || {
        let (_server, _agents, cluster) = cluster(1, 2);
        let squares = |from: u64| {
            for n in from..from + 200 {
                assert_eq!(cluster.submit(square::call(n)).wait().unwrap(), n * n);
            }
        };
        squares(0);
        thread::scope(|scope| {
            scope.spawn(|| squares(1000));
            scope.spawn(|| squares(2000));
        });
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.build().unwrap();
        runtime.block_on(async { squares(3000) });
        // The one after it is handed over while no thread is waiting.
        squares(4000);
        let task = cluster.submit(square::call(7));
        wait_until("it has ended", || task.is_finished());
        squares(5000);
        assert_eq!(cluster.map(square::call, 0..100).count(), 100);
    });
}

#[test]
fn two_submitters_do_not_know_of_each_other() {
    within(60, || {
        let (server, _agents, one) = cluster(1, 2);
        let other = server.cluster();
        let mut ones = one.map(square::call, 0..500);
        let mut others = other.map(square::call, 500..1000);
        for n in 0..500_u64 {
            assert_eq!(ones.next().unwrap().unwrap(), n * n);
            assert_eq!(others.next().unwrap().unwrap(), (n + 500) * (n + 500));
        }
    });
}

#[test]
fn what_cannot_be_connected_to_is_an_error_in_time() {
    within(60, || {
        let begin = Instant::now();
        let error = Cluster::connect("nats://127.0.0.1:1").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Spawn);
        let error =
            Cluster::connect(multiproc_cluster::Server::new("nats://127.0.0.1:1").owner("a.b"));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Unsupported);
        assert!(begin.elapsed() < Duration::from_secs(30));
    });
}

#[test]
fn submitting_waits_for_room() {
    within(60, || {
        let (server, _agents, _) = cluster(1, 1);
        let cluster = server.builder().queue_limit(2).connect().unwrap();
        let tasks: Vec<_> = (0..20)
            .map(|n| {
                let task = cluster.submit(square::call(n));
                assert!(cluster.stats().open <= 2);
                task
            })
            .collect();
        for (n, task) in (0..).zip(tasks) {
            assert_eq!(task.wait().unwrap(), n * n);
        }
    });
}
