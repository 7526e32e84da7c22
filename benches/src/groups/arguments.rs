//! Handing a worker bytes. What is timed is the whole call: start, argument, end.

use std::hint::black_box;
use std::time::Instant;

use multiproc::shm::Shared;
use multiproc::worker;
use procspawn::serde::Shmem;

use super::{PROCSPAWN, frozen};
use crate::bench::{Bench, Race};
use crate::measure::{Contestant, Failable, nanoseconds};
use crate::report::Aim;

const COPY: &str = "memcpy, into a new Vec";
const BY_VALUE: &str = "multiproc, by value";
const BY_SLICE: &str = "multiproc, by slice";
const SHARED: &str = "multiproc, by Shared";

const SIZES: [(&str, usize); 6] = [
    ("1 KiB", 1 << 10),
    ("64 KiB", 64 << 10),
    ("1 MiB", 1 << 20),
    ("16 MiB", 16 << 20),
    ("64 MiB", 64 << 20),
    ("256 MiB", 256 << 20),
];

/// The largest in a quick run.
const QUICK: usize = 16 << 20;

/// From here on the transfer is what is measured, not the start.
const LARGE: usize = 64 << 20;

pub(crate) fn run(bench: &mut Bench) -> Failable {
    for (name, size) in SIZES {
        if bench.quick && size > QUICK {
            continue;
        }
        // Touched, and not all zeros.
        let bytes: Vec<u8> = (0..size).map(|at| at as u8).collect();
        let mut contestants = contestants(&bytes)?;
        contestants.push(bench.python("CPython, fork server", "argument_forkserver", 1, size));
        let aims = [BY_VALUE, BY_SLICE].map(|of| Aim {
            of,
            against: COPY,
            at_most: 1.1,
        });
        bench.race(Race {
            title: name.to_owned(),
            base_line: COPY,
            contestants,
            aims: if size >= LARGE { aims.into() } else { vec![] },
        });
    }
    frozen::run(bench)
}

#[worker]
fn take(bytes: Vec<u8>) -> usize {
    look_at(&bytes)
}

#[worker]
fn borrow(bytes: &[u8]) -> usize {
    look_at(bytes)
}

/// Looks at both ends only: what is measured is the way, and memory is mapped as it is read.
#[worker]
fn map(bytes: Shared<[u8]>) -> Option<(u8, u8)> {
    bytes.first().copied().zip(bytes.last().copied())
}

fn take_shmem(bytes: Shmem) -> usize {
    look_at(&bytes)
}

/// One byte of each page, as little as proves that they are there.
fn look_at(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .step_by(4096)
        .map(|byte| usize::from(*byte))
        .sum()
}

fn contestants(bytes: &[u8]) -> Failable<Vec<Contestant<'_>>> {
    let shared = Shared::from_slice(bytes)?;
    let mut touched = bytes.to_vec();
    Ok(vec![
        Contestant::looped(COPY, move |turns| {
            for _ in 0..turns {
                black_box(black_box(bytes).to_vec());
            }
            Ok(())
        }),
        Contestant::looped("memcpy, touched memory", move |turns| {
            for _ in 0..turns {
                touched.copy_from_slice(black_box(bytes));
                black_box(&mut touched);
            }
            Ok(())
        }),
        owned(BY_VALUE, bytes, |bytes| Ok(take::run(bytes)?)),
        Contestant::timed(BY_SLICE, 1, || {
            borrow::run(bytes)?;
            Ok(())
        }),
        Contestant::timed(SHARED, 1, move || {
            map::run(shared.clone())?;
            Ok(())
        }),
        Contestant::timed("multiproc, copied into a Shared", 1, || {
            map::run(Shared::from_slice(bytes)?)?;
            Ok(())
        }),
        owned(PROCSPAWN, bytes, |bytes| {
            Ok(procspawn::spawn(bytes, take).join()?)
        }),
        Contestant::timed("procspawn, copied into a Shmem", 1, || {
            procspawn::spawn(Shmem::from_bytes(bytes), take_shmem).join()?;
            Ok(())
        }),
    ])
}

/// One that consumes the bytes: the copy it is given is made before the clock starts.
fn owned<'a>(
    name: &'static str,
    bytes: &'a [u8],
    call: impl Fn(Vec<u8>) -> Failable<usize> + 'a,
) -> Contestant<'a> {
    Contestant::sampled(name, move || {
        let bytes = bytes.to_vec();
        let start = Instant::now();
        call(bytes)?;
        Ok(nanoseconds(start.elapsed()))
    })
}
