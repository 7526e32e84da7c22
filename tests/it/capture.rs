//! Output that the parent prints. What a test harness makes of it is seen in `tests/isolated`.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::process::Command;

use multiproc::{ErrorKind, Pool, StartMethod, Stdio, worker};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::support::{cases, children, descriptors, threads};

cases! {
    a_stream_that_goes_elsewhere
    the_tail_is_kept_too
    what_lives_on_holds_nothing_up
    options_of_others
    nothing_is_left_behind
}

#[worker]
fn talk(dies: bool) {
    println!("to the output");
    eprintln!("to the errors");
    if dies {
        std::process::abort();
    }
}

fn a_stream_that_goes_elsewhere(method: StartMethod) {
    let mut out = File::from(memfd_create("test", MemfdFlags::CLOEXEC).unwrap());
    let call = talk::call(false).stdout(out.try_clone().unwrap());
    call.start_method(method)
        .capture_output(true)
        .run()
        .unwrap();
    out.rewind().unwrap();
    assert_eq!(io::read_to_string(out).unwrap(), "to the output\n");
    // In any order.
    let mut process = talk::call(false)
        .capture_output(true)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .start_method(method)
        .spawn()
        .unwrap();
    let mut text = String::new();
    process
        .take_stderr()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, "to the errors\n");
    process.join().unwrap();
    let call = talk::call(false).capture_output(true).capture_output(false);
    call.start_method(method).run().unwrap();
}

fn the_tail_is_kept_too(method: StartMethod) {
    for captures in [true, false] {
        let call = talk::call(true).start_method(method).stderr_tail(100);
        let error = call.capture_output(captures).run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signaled);
        assert_eq!(error.stderr_tail(), Some("to the errors\n"));
    }
}

#[worker]
#[expect(clippy::zombie_processes, reason = "it outlives the worker")]
fn leave_something_behind() {
    let mut command = Command::new("sh");
    command
        .args(["-c", "read line; echo late"])
        .spawn()
        .unwrap();
}

fn what_lives_on_holds_nothing_up(method: StartMethod) {
    let mut process = leave_something_behind::call()
        .stdin(Stdio::piped())
        .start_method(method)
        .capture_output(true)
        .spawn()
        .unwrap();
    let mut stdin = process.take_stdin().unwrap();
    process.join().unwrap();
    // It can be printed still, and nothing is left when that is over.
    stdin.write_all(b"now\n").unwrap();
}

fn options_of_others(method: StartMethod) {
    let pool = || Pool::builder().workers(1).start_method(method);
    let error = pool()
        .build()
        .unwrap()
        .submit(talk::call(false).capture_output(true));
    let error = error.wait().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("`PoolBuilder::stdout`"),
        "{error}"
    );
    let initializer = talk::call(false).capture_output(true);
    let error = pool().initializer(initializer).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

fn nothing_is_left_behind(method: StartMethod) {
    let run = |dies| {
        let call = talk::call(dies).start_method(method).capture_output(true);
        assert_eq!(call.run().is_err(), dies);
    };
    let settled = || (descriptors(), threads(), children().len());
    let before = settled();
    (0..4).for_each(|number| run(number % 2 == 0));
    // The monitor and the fork server with its spare are there now; the threads that print end soon.
    let many = (0..50).map(|number| {
        run(number % 2 == 0);
        settled()
    });
    let most = many.max().unwrap();
    assert!(
        most.0 < before.0 + 40 && most.1 < before.1 + 20 && most.2 < before.2 + 10,
        "{before:?} {most:?}"
    );
}
