//! What becomes of the program when a worker crashes?
//!
//! Nothing. Each worker here ends in another bad way, some of them in C, where no `catch_unwind`
//! helps; the main process is told how, prints a table and carries on.
//!
//! ```text
//! cargo run --example crash
//! ```

#![expect(unsafe_code, reason = "calls C functions in ways that C permits")]

use std::hint::black_box;
use std::process;
use std::ptr;
use std::time::Duration;

use multiproc::{Call, Stdio, worker};

/// Gives what it should.
#[worker]
fn returns() -> i32 {
    // SAFETY: the string ends with a zero byte.
    unsafe { libc::atoi(c"42".as_ptr()) }
}

/// Has C read a string where there is none.
#[worker]
fn segfaults() -> i32 {
    let nowhere = black_box(ptr::without_provenance(0x10));
    // SAFETY: there is none, this is the crash. The first page of memory is never mapped, so the
    // read goes to no object of ours, and what it ends is a process that has nothing to lose.
    unsafe { libc::atoi(nowhere) }
}

/// Has C give up, as a failed `assert` does.
#[worker]
fn aborts() -> i32 {
    // SAFETY: it has no conditions.
    unsafe { libc::abort() }
}

/// Calls itself until there is no room left.
#[worker]
fn overflows() -> i32 {
    #[expect(unconditional_recursion, reason = "this is the crash")]
    fn depth() -> i32 {
        // That something is left to do keeps the call from being turned into a loop.
        black_box(depth()) + 1
    }
    depth()
}

/// Waits in C for something that never comes.
#[worker]
fn hangs() -> i32 {
    loop {
        // SAFETY: it has no conditions.
        unsafe { libc::pause() };
    }
}

/// Ends the process in the middle of the work.
#[worker]
fn exits() -> i32 {
    process::exit(3)
}

/// Panics, as Rust does.
#[worker]
fn panics() -> i32 {
    let empty: &[i32] = black_box(&[]);
    empty[5]
}

fn main() -> multiproc::Result<()> {
    let calls = [
        returns::call(),
        panics::call(),
        exits::call(),
        aborts::call(),
        segfaults::call(),
        overflows::call(),
        hangs::call().timeout(Duration::from_millis(500)),
    ];

    // All run at the same time; none knows of the others.
    let processes = calls
        .into_iter()
        .map(|call| quietly(call).spawn())
        .collect::<multiproc::Result<Vec<_>>>()?;

    println!("{:<10} {:<10} what happened", "worker", "kind");
    for process in processes {
        let worker = process.name().to_owned();
        match process.join() {
            Ok(value) => println!("{worker:<10} {:<10} it returned {value}", "-"),
            Err(error) => println!("{worker:<10} {:<10} {error}", format!("{:?}", error.kind())),
        }
    }

    println!("\nThe main process is fine.");
    Ok(())
}

/// The table has it all: a panic's message and the like need not stand before it once more.
fn quietly<R>(call: Call<'_, R>) -> Call<'_, R> {
    call.stderr(Stdio::null())
}
