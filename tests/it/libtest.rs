//! Tests as users write them: several at once, on threads of one process that is libtest's.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use multiproc::{Call, ErrorKind, StartMethod, active_children, worker};

#[worker]
fn square(number: u64) -> u64 {
    number * number
}

#[worker]
fn refuse(reason: &str) {
    panic!("{reason}");
}

#[worker]
fn wait_for_ever() {
    loop {
        thread::park();
    }
}

/// Runs the body, but not for ever: then its processes, which have its name, are killed.
fn within(name: &'static str, body: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    let thread = thread::spawn(move || {
        body();
        let _ = done.send(());
    });
    if let Err(mpsc::RecvTimeoutError::Timeout) = is_done.recv_timeout(Duration::from_secs(100)) {
        let hanging: Vec<_> = active_children()
            .into_iter()
            .filter(|child| child.name() == name)
            .collect();
        for child in &hanging {
            let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        panic!("{name} hangs; killed: {hanging:?}");
    }
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Half of them in each way.
fn named<'a, R>(call: Call<'a, R>, name: &str, number: u64) -> Call<'a, R> {
    call.name(name).start_method(match number % 2 {
        0 => StartMethod::Spawn,
        _ => StartMethod::ForkServer,
    })
}

#[test]
fn workers_return() {
    within("workers_return", || {
        for number in 0..20 {
            let call = named(square::call(number), "workers_return", number);
            assert_eq!(call.run().unwrap(), number * number);
        }
    });
}

#[test]
fn workers_run_side_by_side() {
    within("workers_run_side_by_side", || {
        let processes: Vec<_> = (0..20)
            .map(|number| named(square::call(number), "workers_run_side_by_side", number))
            .map(|call| call.spawn().unwrap())
            .collect();
        for (number, process) in (0..).zip(processes) {
            assert_eq!(process.join().unwrap(), number * number);
        }
    });
}

#[test]
fn workers_panic() {
    within("workers_panic", || {
        for number in 0..10 {
            let call = refuse::call("no").stderr(multiproc::Stdio::null());
            let error = named(call, "workers_panic", number).run().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Panicked);
            assert_eq!(error.panic().unwrap().message(), "no");
        }
    });
}

#[test]
fn workers_are_killed() {
    within("workers_are_killed", || {
        for number in 0..10 {
            let call = named(wait_for_ever::call(), "workers_are_killed", number);
            let process = call.spawn().unwrap();
            process.kill();
            assert_eq!(process.join().unwrap_err().signal(), Some(libc::SIGKILL));
        }
    });
}
