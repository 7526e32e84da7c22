//! Workers that do what they should not: what is told of them is true, other tasks are right, and
//! nothing is left running.
//!
//! Each is run by a program that is watched from outside, `tests/bin/deeds`: once for each start
//! method, and in a pool, where other tasks follow.

use std::time::Duration;

use Told::{Code, Returned, Signal, TimedOut};

use crate::support::{Running, program, run_apart};

/// What is to be told of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Returned,
    Code(i32),
    Signal(i32),
    TimedOut,
}

/// A deed, what is told of it, and what in a pool if that is something else.
type Row = (&'static str, Told, Option<Told>);

/// The status of a process whose result could not be sent.
const UNSENT: Told = Code(74);

/// The status of a process whose worker's thread has ended.
const VANISHED: Told = Code(70);

macro_rules! tests {
    ($($test:ident: $rows:expr;)*) => {$(
        #[test]
        fn $test() {
            run_apart(module_path!(), stringify!($test), || check_all($rows));
        }
    )*};
}

tests! {
    a_worker_that_closes_what_it_does_not_know: &[
        ("nothing", Returned, None),
        ("close all", UNSENT, None),
        ("close all but the standard streams", UNSENT, None),
        ("close all and go on", TimedOut, None),
        ("close the standard streams", Returned, None),
        ("put others in place of all", UNSENT, None),
        ("put another socket in place of all", UNSENT, None),
        // It cannot be told from the end of the parent.
        ("shut its connections down", Signal(libc::SIGKILL), None),
        ("read what is there for others", Returned, None),
        ("have nothing wait", Returned, None),
    ];
    a_worker_that_leaves_processes: &[
        ("leave a process", Returned, None),
        ("leave a process and abort", Signal(libc::SIGABRT), None),
        ("leave a process in a session and exit", Code(4), None),
        ("leave a grandchild", Returned, None),
        ("leave a program with all descriptors", Returned, None),
        ("fork and exit there", Returned, None),
        ("fork and return twice", Returned, None),
        ("fork and return late there", Returned, None),
        ("fork and return early there", Returned, None),
        ("ignore its children", Returned, None),
    ];
    a_worker_that_is_traced_or_stopped: &[
        ("be traced", Returned, None),
        ("be traced and exit", Code(5), None),
        ("be traced and be killed", Signal(libc::SIGKILL), None),
        ("be traced and trap", TimedOut, None),
        ("be traced by a process it leaves", Returned, None),
        ("have a thread traced and stopped", TimedOut, None),
        ("stop", TimedOut, None),
        ("stop its first thread", TimedOut, None),
        ("block all signals", TimedOut, None),
    ];
    a_worker_that_ends_in_its_own_way: &[
        ("kill its first thread", Signal(libc::SIGKILL), None),
        ("exit on another thread", Code(9), None),
        ("leave at once on another thread", Code(9), None),
        ("end its thread", VANISHED, None),
        ("be confined to reading and writing", VANISHED, None),
        ("unmap its stack", Signal(libc::SIGSEGV), None),
        ("be alarmed", Signal(libc::SIGALRM), None),
        ("execute another program", Code(0), None),
        ("execute another program that goes on", TimedOut, None),
        ("execute the program", Code(0), None),
    ];
    a_worker_that_restricts_itself: &[
        ("begin a session", Returned, None),
        ("have namespaces and tables of its own", Returned, None),
        ("change the root directory", Returned, None),
        ("become nobody", Returned, None),
        ("allow itself no more descriptors", Returned, None),
        ("allow itself no more memory", Returned, None),
        ("lock its memory", Returned, None),
        ("ask for a deadline of its own", Returned, None),
        ("not be dumped", Returned, None),
        ("continue its parent", Returned, None),
        ("die of broken pipes", Returned, None),
        // The pipe is not read; a pool's processes have the program's own stream.
        ("write more than a pipe holds", TimedOut, Some(Returned)),
    ];
}

/// Does all of them, each in all ways at once.
#[track_caller]
fn check_all(rows: &[Row]) {
    let mut wrong = String::new();
    for (deed, told, in_pool) in rows {
        let in_pool = in_pool.unwrap_or(*told);
        let ways = [("spawn", *told), ("forkserver", *told), ("pool", in_pool)];
        let running = ways.map(|(way, told)| Running::start(&mut command(way, deed, told)));
        for ((way, told), running) in ways.into_iter().zip(running) {
            let (output, status) = running.finish();
            if let Err(why) = judge(&output, way, told) {
                wrong += &format!("{way}, {deed}: {why}, {status}:\n{output}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn command(way: &str, deed: &str, told: Told) -> std::process::Command {
    // One that is to strike shall not take long; any other shall not strike on a busy machine.
    let timeout = match told {
        TimedOut => Duration::from_millis(300),
        _ => Duration::from_secs(50),
    };
    let timeout = timeout.as_millis().to_string();
    let mut command = program("deeds");
    command.args(["deed", way, deed, &timeout]);
    command
}

/// Whether the lines of a program are the right ones.
fn judge(output: &str, way: &str, told: Told) -> Result<(), &'static str> {
    // What a worker wrote has no end of a line.
    let output = output.trim_start_matches('x');
    let mut lines = output.lines();
    let first = lines.next().ok_or("it tells nothing")?;
    let expected = match told {
        Returned => "7".to_owned(),
        Code(code) => format!("code {code} | "),
        Signal(signal) => format!("signal {signal} | "),
        TimedOut => "TimedOut | ".to_owned(),
    };
    if !first.starts_with(&expected) {
        return Err("this is not what happened");
    }
    let rest: Vec<&str> = lines.collect();
    match way {
        "pool" if rest == ["0", "1", "2", "()"] => Ok(()),
        "pool" => Err("later tasks are wrong"),
        _ if rest.is_empty() => Ok(()),
        _ => Err("it tells more than there is"),
    }
}
