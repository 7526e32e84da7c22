//! A program with a constructor that runs before the library's. The environment says what it does.

#![expect(clippy::print_stdout, reason = "it tells what came of it")]
#![expect(unsafe_code, reason = "it has a constructor")]

use std::time::Duration;

use multiproc::{Call, worker};

#[worker]
fn seven() -> u32 {
    7
}

// SAFETY: the section holds pointers to functions that are called before `main` with arguments
// that they need not take; this is one. The number lets it run before those that have none.
#[used]
#[unsafe(link_section = ".init_array.00200")]
static EARLY: extern "C" fn() = early;

extern "C" fn early() {
    let is_child = std::env::var_os("MULTIPROC_CHILD").is_some();
    match std::env::var("EARLY").as_deref() {
        Ok("spawn") if !is_child => println!("{:?}", seven::spawn().unwrap_err().kind()),
        Ok("spawn") => drop(seven::spawn()),
        // SAFETY: a system call that takes a number.
        Ok("kill") if is_child => drop(unsafe { libc::raise(libc::SIGKILL) }),
        Ok("give-up")
            if std::env::var("MULTIPROC_CHILD").is_ok_and(|it| it.starts_with("fork-server")) =>
        {
            eprintln!("no fork server");
            // SAFETY: a system call that takes a number.
            unsafe { libc::_exit(70) };
        }
        // SAFETY: a system call that takes a number.
        Ok("exit") if is_child => unsafe { libc::_exit(0) },
        Ok("hang") if is_child => loop {
            std::thread::park();
        },
        _ => {}
    }
}

fn main() {
    match std::env::var("EARLY").as_deref() {
        Ok("hang") => {
            tell(seven::call().timeout(Duration::from_millis(100)));
            tell(seven::call());
        }
        Ok("kill" | "exit") => {
            tell(seven::call());
            tell(seven::call());
        }
        Ok("give-up") => {
            for _ in 0..3 {
                println!("{:?}", seven::run());
            }
        }
        _ => println!("{:?}", seven::run()),
    }
}

/// Tells how the call fails, without the process id.
fn tell(call: Call<'_, u32>) {
    let error = call.run().unwrap_err();
    let text = error.to_string();
    let text = text.split(" (pid").next().unwrap_or_default();
    println!("{:?}: {text}", error.kind());
}
