//! Programs that are short of something, or are refused it: each call works in another way, or
//! says what is missing, and nothing hangs.
//!
//! The calls are made by a program that is watched from outside, `tests/bin/deeds`, so that the
//! limit is its own.

use std::os::unix::process::ExitStatusExt;

use Answer::{Either, Refused, Told, Works};

use crate::support::{Running, program, run_apart};

/// What is to come of a call.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Works,
    /// It fails, and the text has this.
    Refused(&'static str),
    /// It works, or fails so.
    Either(&'static str),
    /// It depends on more than the limit, but nothing hangs.
    Told,
}

/// What is to come of a call through the fork server, one by re-execution, one with objects in
/// shared memory, of a pool, and of a call that is too slow.
type Answers = [Answer; 5];

const ALL_WORK: Answers = [Works; 5];

macro_rules! tests {
    ($($test:ident)*) => {
        mod apart {
            $(
                #[test]
                fn $test() {
                    super::run_apart(module_path!(), stringify!($test), super::$test);
                }
            )*
        }
    };
}

tests! {
    few_descriptors
    few_processes
    little_memory
    other_limits
    a_filter_that_refuses
    a_filter_that_kills
}

fn few_descriptors() {
    let missing = "Too many open files";
    for number in [
        "3", "5", "7", "8", "9", "10", "12", "14", "17", "20", "24", "28",
    ] {
        for when in ["before", "after"] {
            check(
                &["limit", "descriptors", number, when],
                [Either(missing); 5],
            );
        }
    }
    check(
        &["limit", "descriptors", "3", "before"],
        [Refused(missing); 5],
    );
    for when in ["before", "after"] {
        check(&["limit", "descriptors", "64", when], ALL_WORK);
    }
}

fn few_processes() {
    let missing = "ulimit -u";
    for number in ["1", "2", "3", "4", "5", "6", "8"] {
        for when in ["before", "after"] {
            // As another user, the program may not be allowed to execute itself.
            check(&["limit", "processes", number, when], [Told; 5]);
        }
    }
    check(
        &["limit", "processes", "0", "before"],
        [Refused(missing); 5],
    );
}

fn little_memory() {
    for number in ["8", "12", "16", "32", "64"] {
        let bytes = format!("{number}000000");
        for when in ["before", "after"] {
            check(&["limit", "address space", &bytes, when], [Told; 5]);
        }
    }
    for when in ["before", "after"] {
        check(&["limit", "address space", "4000000000", when], ALL_WORK);
    }
    for bytes in ["0", "16384", "65536"] {
        for when in ["before", "after"] {
            check(&["limit", "stack", bytes, when], [Told; 5]);
        }
    }
}

fn other_limits() {
    for when in ["before", "after"] {
        check(&["limit", "stack", "8000000", when], ALL_WORK);
        check(&["limit", "locked memory", "0", when], ALL_WORK);
        check(&["limit", "pending signals", "0", when], ALL_WORK);
        check(&["limit", "core files", "0", when], ALL_WORK);
        check(&["limit", "file size", "2000000", when], ALL_WORK);
    }
    let missing = "`/proc` is not mounted";
    check(&["limit", "proc", "0", "before"], [Refused(missing); 5]);
}

fn a_filter_that_refuses() {
    // EPERM, ENOSYS
    for errno in ["1", "38"] {
        let before = |call, answers| check(&["filter", call, errno, "before"], answers);
        before("clone", [Refused("`clone`"); 5]);
        before("pidfd_open", [Refused("`pidfd_open`"); 5]);
        before("socketpair", [Refused("`socketpair`"); 5]);
        before("epoll_create1", [Refused("`epoll_create1`"); 5]);
        before("eventfd2", [Refused("`eventfd2`"); 5]);
        before("sendmsg", [Refused("`sendmsg`"); 5]);
        before("execve", [Refused("execve`"); 5]);
        // The child that is too slow cannot prepare itself, but its time may be over before that.
        let refused = Refused("");
        before("fcntl", [refused, refused, refused, refused, Either("")]);
        let memory = Refused("`memfd_create`");
        before("memfd_create", [Works, Works, memory, memory, Works]);
        let room = Refused("`fallocate`");
        before(
            "fallocate",
            [Works, Works, room, Either("`fallocate`"), Works],
        );
        for when in ["before", "after"] {
            let works = |call| check(&["filter", call, errno, when], ALL_WORK);
            works("waitid");
            works("pidfd_send_signal");
            works("sched_getaffinity");
            works("get_robust_list");
            // Some libraries make threads by it and know no other way.
            check(&["filter", "clone3", errno, when], [Either("`clone"); 5]);
        }
        let after = |call, answers| check(&["filter", call, errno, "after"], answers);
        // What the fork server has done already, it need not do again.
        let (other, pool) = (Either("`"), Told);
        after("clone", [Works, Refused("`clone"), other, pool, other]);
        after(
            "pidfd_open",
            [Works, Refused("`pidfd_open`"), other, pool, other],
        );
        after("execve", [Works, Refused("execve`"), Works, Works, Works]);
        for call in [
            "socketpair",
            "epoll_create1",
            "eventfd2",
            "sendmsg",
            "memfd_create",
            "fcntl",
        ] {
            after(call, [Told; 5]);
        }
    }
}

/// Who makes the call is killed, and that may be the program; but what is told is right.
fn a_filter_that_kills() {
    for call in [
        "clone",
        "clone3",
        "epoll_create1",
        "eventfd2",
        "execve",
        "fallocate",
        "fcntl",
        "get_robust_list",
        "memfd_create",
        "pidfd_open",
        "pidfd_send_signal",
        "sched_getaffinity",
        "sendmsg",
        "socketpair",
        "waitid",
    ] {
        for when in ["before", "after"] {
            check(&["filter", call, "0", when], [Either("SIGSYS"); 5]);
        }
    }
}

/// Runs the program and compares what it says.
#[track_caller]
fn check(arguments: &[&str], expected: Answers) {
    const VALUES: [&str; 5] = ["1", "1", "1", "1", "TimedOut | "];

    let (output, status) = Running::start(program("deeds").args(arguments)).finish();
    if output == "not possible here\n" {
        return;
    }
    let lines: Vec<&str> = output.lines().collect();
    let is_killed = arguments[2] == "0" && status.signal() == Some(libc::SIGSYS);
    // Where nearly nothing is left, it cannot go on itself.
    let is_aborted = arguments[1] == "address space" && status.signal() == Some(libc::SIGABRT);
    assert!(
        is_killed || is_aborted || (status.success() && lines.len() == VALUES.len()),
        "{arguments:?}: {status}\n{output}"
    );
    for ((line, value), answer) in lines.into_iter().zip(VALUES).zip(expected) {
        let works = line.starts_with(value);
        let is_right = match answer {
            Works => works,
            Refused(text) => !works && line.contains(text),
            Either(text) => works || line.contains(text),
            Told => works || !line.starts_with("TimedOut"),
        };
        assert!(
            is_right,
            "{arguments:?}: `{line}` is not {answer:?}\n{output}"
        );
    }
}
