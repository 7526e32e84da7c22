//! Calling a worker that is already there: there and back, with next to nothing in between.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use multiproc::{Fd, Pool, worker};

use super::{POOL, PROCSPAWN_POOL};
use crate::bench::{Bench, Race};
use crate::measure::{Contestant, Failable};
use crate::report::Aim;

const BARE: &str = "bare ping-pong over a socket pair";

/// In a sample.
const CALLS: usize = 20;

pub(crate) fn run(bench: &mut Bench) -> Failable {
    let pool = Pool::builder().workers(1).build()?;
    let theirs = procspawn::Pool::new(1)?;
    let (mut socket, other) = UnixStream::pair()?;
    let echoing = echo::spawn(Fd::new(other))?;

    let contestants = vec![
        Contestant::timed(POOL, CALLS, || {
            for number in 0..CALLS {
                pool.submit(successor::call(number)).wait()?;
            }
            Ok(())
        }),
        Contestant::timed(PROCSPAWN_POOL, CALLS, || {
            for number in 0..CALLS {
                theirs.spawn(number, successor).join()?;
            }
            Ok(())
        }),
        Contestant::timed(BARE, CALLS, move || {
            for _ in 0..CALLS {
                socket.write_all(&[1; 16])?;
                socket.read_exact(&mut [0; 16])?;
            }
            Ok(())
        }),
        bench.python("CPython, Pool.apply", "pool_call", CALLS, 0),
        bench.python(
            "CPython, ProcessPoolExecutor.submit",
            "executor_call",
            CALLS,
            0,
        ),
    ];
    bench.race(Race {
        title: "one at a time, there and back".to_owned(),
        base_line: BARE,
        contestants,
        aims: vec![
            Aim {
                of: POOL,
                against: BARE,
                at_most: 1.3,
            },
            Aim {
                of: POOL,
                against: PROCSPAWN_POOL,
                at_most: 0.35,
            },
        ],
    });
    theirs.shutdown();
    // The socket went with its contestant.
    echoing.join()?;
    Ok(())
}

#[worker]
fn successor(number: usize) -> usize {
    number + 1
}

#[worker]
fn echo(mut socket: Fd<UnixStream>) {
    let mut bytes = [0; 16];
    while socket.read_exact(&mut bytes).is_ok() && socket.write_all(&bytes).is_ok() {}
}
