//! Workers that rest, and then go on.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use multiproc::{StartMethod, is_cancelled, worker};

use crate::support::cases;

cases! {
    a_worker_that_rests_gives_up_what_it_does_not_use
}

#[worker]
fn rest() -> String {
    while !is_cancelled() {
        sleep(Duration::from_millis(10));
    }
    // Code that was not used before.
    format!("{:.3}", "0.1875".parse::<f64>().unwrap())
}

/// Whether there is a filter on the system calls of this process, and so of its children.
fn is_filtered() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mode = status.lines().find_map(|it| it.strip_prefix("Seccomp:"));
    mode.is_some_and(|mode| mode.trim() != "0")
}

/// How much that is mapped from files the process has in memory, in KiB.
fn of_files(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("RssFile:"));
    let number = line.unwrap().trim_end_matches("kB");
    number.trim().parse().unwrap()
}

fn a_worker_that_rests_gives_up_what_it_does_not_use(method: StartMethod) {
    if is_filtered() {
        // Then a process does not open the files that tell what can be given up.
        return;
    }
    let process = rest::call().start_method(method).spawn().unwrap();
    let mut most = 0;
    // The test has a deadline.
    loop {
        let now = of_files(process.id());
        if now < most / 4 * 3 {
            break;
        }
        most = most.max(now);
        sleep(Duration::from_millis(5));
    }
    assert!(process.cancel_within(Duration::from_secs(60)));
    assert_eq!(process.join().unwrap(), "0.188");
}
