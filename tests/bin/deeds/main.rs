//! A program that is watched from outside while its workers do what workers should not, or while
//! it is itself short of what it needs. What its calls come to, it writes to its standard output,
//! a line for each.
//!
//! ```text
//! deeds deed METHOD DEED MILLISECONDS     a worker does it, with this timeout
//! deeds limit KIND NUMBER before|after    calls are made under a limit, which is set before the first or after it
//! deeds filter CALL ERRNO before|after    the system refuses a call with this error, or kills for 0
//! ```

#![expect(clippy::print_stdout, reason = "it tells what it does")]
#![expect(unsafe_code, reason = "it calls C behind the library's back")]

mod deed;
mod limit;

use std::fmt::Debug;
use std::time::Duration;

use multiproc::{Error, ErrorKind, Pool, StartMethod, Stdio, worker};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        // What was a worker has executed the program once more.
        ["again"] => {}
        ["deed", method, deed, timeout] => {
            let timeout = Duration::from_millis(timeout.parse().unwrap());
            do_it(method, deed, timeout);
        }
        ["limit", kind, number, when] => {
            limit::make_calls(when, || limit::set(kind, number.parse().unwrap()));
        }
        ["filter", call, errno, when] => {
            limit::make_calls(when, || limit::refuse(call, errno.parse().unwrap()));
        }
        _ => panic!("there is no scenario {arguments:?}"),
    }
}

#[worker]
#[expect(
    clippy::needless_pass_by_value,
    reason = "what a task borrows lives for ever"
)]
fn does(deed: String) -> u32 {
    deed::do_it(&deed);
    7
}

#[worker]
fn same(number: u32) -> u32 {
    number
}

fn do_it(method: &str, deed: &str, timeout: Duration) {
    let call = does::call(deed.to_owned()).timeout(timeout);
    match method {
        "spawn" => {
            let call = call.start_method(StartMethod::Spawn).stdout(Stdio::piped());
            println!("{}", told(call.run()));
        }
        "forkserver" => {
            let call = call
                .start_method(StartMethod::ForkServer)
                .stdout(Stdio::piped());
            println!("{}", told(call.run()));
        }
        "pool" => {
            let pool = Pool::builder().workers(1).build().unwrap();
            // The worker has nothing to do then, so what comes next is sent to it alone: results of tasks that
            // are sent together lie in memory that the pool reads, whatever became of the connection.
            pool.submit(same::call(0)).wait().unwrap();
            let first = pool.submit(call);
            let others: Vec<_> = (0..3)
                .map(|number| pool.submit(same::call(number)))
                .collect();
            println!("{}", told(first.wait()));
            for other in others {
                println!("{}", told(other.wait()));
            }
            println!("{}", told(pool.shutdown()));
        }
        other => panic!("there is no start method {other}"),
    }
}

/// What a call came to, in a line.
fn told<R: Debug>(result: multiproc::Result<R>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("{} | {error}", kind(&error)),
    }
}

fn kind(error: &Error) -> String {
    let code = error.exit_status().and_then(|status| status.code());
    match (error.kind(), error.signal(), code) {
        (ErrorKind::Signaled, Some(signal), _) => format!("signal {signal}"),
        (ErrorKind::Exited, _, Some(code)) => format!("code {code}"),
        (kind, _, _) => format!("{kind:?}"),
    }
}
