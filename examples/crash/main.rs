//! What happens to the program when a worker crashes?
//!
//! Nothing. Each worker here fails in a different way, some of them in C, where `catch_unwind` does
//! not help; the main process learns how, prints a table and carries on.
//!
//! ```text
//! cargo run --example crash
//! ```

#![expect(unsafe_code, reason = "calls C functions in ways that C permits")]

use std::hint::black_box;
use std::process;
use std::ptr;
use std::time::Duration;

use multiproc::{Call, Error, Stdio, worker};

/// Returns a value.
#[worker]
fn returns() -> i32 {
    // SAFETY: the string ends with a zero byte.
    unsafe { libc::atoi(c"42".as_ptr()) }
}

/// A list of the C library in `list.c`.
#[repr(C)]
struct Entry {
    value: i32,
    next: *const Entry,
}

// SAFETY: the function has this type there.
unsafe extern "C" {
    fn sum_of_list(first: *const Entry) -> i32;
}

/// Gives C an empty list, for which the library is not prepared.
#[worker]
fn segfaults() -> i32 {
    // SAFETY: an empty list is a list; that the library does not see that is the crash. The first page of
    // memory is never mapped, so it reads nothing, and ends a process that has nothing to lose.
    unsafe { sum_of_list(ptr::null()) }
}

/// Lets C abort, as a failed `assert` does.
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
        // The addition after the call keeps it from being turned into a loop.
        black_box(depth()) + 1
    }
    depth()
}

/// Waits in C for a signal that never comes.
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

/// Gives C the same memory back twice, which its library notices. It says so before it aborts.
#[worker]
fn frees() -> i32 {
    // SAFETY: it has no conditions.
    let memory = unsafe { libc::malloc(100) };
    for _ in 0..2 {
        // SAFETY: the memory is not used; that it is freed twice is the crash, of a process that has
        // nothing to lose.
        unsafe { libc::free(black_box(memory)) };
    }
    0
}

fn main() -> multiproc::Result<()> {
    let calls = [
        returns::call(),
        panics::call(),
        exits::call(),
        aborts::call(),
        frees::call(),
        segfaults::call(),
        overflows::call(),
        hangs::call().timeout(Duration::from_millis(500)),
    ];

    // All run at the same time, independently of each other.
    let processes = calls
        .into_iter()
        .map(|call| quietly(call).spawn())
        .collect::<multiproc::Result<Vec<_>>>()?;

    println!("{:<10} {:<10} what happened", "worker", "kind");
    for process in processes {
        let worker = process.name().to_owned();
        match process.join() {
            Ok(value) => println!("{worker:<10} {:<10} it returned {value}", "-"),
            Err(error) => {
                println!("{worker:<10} {:<10} {error}", format!("{:?}", error.kind()));
                if let Some(words) = last_words(&error) {
                    println!("{:<21} its last words: {words}", "");
                }
            }
        }
    }

    println!("\nThe main process is fine.");
    Ok(())
}

/// Silences the standard error of a call: the table has the panic's message, too, and the last words of
/// who is killed.
fn quietly<R>(call: Call<'_, R>) -> Call<'_, R> {
    call.stderr(Stdio::null()).stderr_tail(1000)
}

/// The last line that a worker has written before it was killed.
fn last_words(error: &Error) -> Option<&str> {
    error.signal()?;
    error.stderr_tail()?.lines().last()
}
