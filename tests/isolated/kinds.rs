//! What such a test can look like.

use std::process::{ExitCode, abort, exit};
use std::time::Duration;

use multiproc::{current, worker};

/// What a test can be called, and where.
mod r#mod {
    #[multiproc::test]
    pub(crate) fn r#gen() {
        let name = Some("kinds::r#mod::r#gen");
        assert_eq!(std::thread::current().name(), name);
    }
}

#[multiproc::test]
fn it_runs_in_a_process_of_its_own() {
    let current = current().expect("this is a child");
    assert_eq!(current.parent_id(), parent());
    assert_eq!(current.worker(), "kinds::it_runs_in_a_process_of_its_own");
    assert_eq!(std::thread::current().name(), Some(current.worker()));
}

fn parent() -> u32 {
    std::os::unix::process::parent_id()
}

#[multiproc::test]
fn results_are_taken() -> Result<(), std::num::ParseIntError> {
    assert_eq!("7".parse::<u32>()?, 7);
    Ok(())
}

#[multiproc::test]
fn any_result_of_tests_is_taken() -> ExitCode {
    ExitCode::SUCCESS
}

#[multiproc::test]
fn boxes_are_taken() -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

#[multiproc::test(runtime = smol::block_on)]
async fn futures_are_run() {
    smol::Timer::after(Duration::from_millis(1)).await;
}

#[multiproc::test(runtime = block_on)]
async fn futures_are_run_by_tokio() -> Result<(), tokio::time::error::Elapsed> {
    let pause = tokio::time::sleep(Duration::from_millis(1));
    tokio::time::timeout(Duration::from_secs(20), pause).await
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}

#[multiproc::test]
#[should_panic]
fn panics_are_expected() {
    panic!("as expected");
}

#[multiproc::test]
#[should_panic(expected = "index out of bounds: the len is 1")]
fn a_text_is_expected() {
    let numbers = [1];
    let _ = numbers[std::hint::black_box(1)];
}

#[should_panic(expected = "as expected")]
#[multiproc::test(runtime = smol::block_on)]
async fn panics_of_futures_are_expected() {
    panic!("as expected");
}

#[multiproc::test]
#[cfg(unix)]
#[cfg_attr(unix, should_panic(expected = "as expected"))]
#[cfg_attr(not(unix), ignore)]
fn panics_are_expected_on_conditions() {
    panic!("as expected");
}

#[multiproc::test(dies = "SIGABRT")]
fn deaths_are_expected() {
    abort();
}

#[multiproc::test(dies = "SIGSEGV")]
#[expect(unsafe_code, reason = "a C function that goes wrong")]
fn crashes_of_c_are_expected() {
    let nowhere = std::ptr::without_provenance::<libc::c_char>(8);
    // SAFETY: there is no text at this address, and the process ends of that.
    let length = unsafe { libc::strlen(std::hint::black_box(nowhere)) };
    println!("{length}");
}

#[multiproc::test(dies = "SIGKILL")]
fn kills_are_expected() {
    let own = rustix::process::getpid();
    let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
    std::thread::park();
}

#[multiproc::test(exits = 3)]
fn exits_are_expected() {
    exit(3);
}

#[multiproc::test(exits = 0)]
fn successful_exits_are_expected() -> ! {
    exit(0)
}

#[multiproc::test(memory = "256MiB", dies = "SIGABRT")]
fn memory_is_limited() {
    let bytes = vec![1_u8; 1 << 30];
    println!("{}", bytes[std::hint::black_box(5)]);
}

#[multiproc::test(stack = "64MiB", nice = 1, timeout = "50s")]
fn other_options_are_taken() {
    fn depth(levels: u32) -> u32 {
        if levels == 0 {
            0
        } else {
            1 + std::hint::black_box(depth(levels - 1))
        }
    }

    assert_eq!(depth(50_000), 50_000);
}

#[multiproc::test(before_worker = prepare)]
fn it_is_prepared() {
    assert_eq!(std::env::var("MULTIPROC_TEST_PREPARED").as_deref(), Ok("1"));
}

#[expect(unsafe_code, reason = "the environment")]
fn prepare() {
    // SAFETY: no other thread of this process looks at the environment.
    unsafe { std::env::set_var("MULTIPROC_TEST_PREPARED", "1") };
}

#[worker]
fn square(number: u64) -> u64 {
    number * number
}

#[multiproc::test]
fn workers_are_started() -> multiproc::Result<()> {
    assert_eq!(square::run(7)?, 49);
    Ok(())
}

/// Attributes and lints stay with the function.
#[multiproc::test]
#[allow(unused_mut)]
#[expect(unused_variables, reason = "an expectation is met once")]
fn attributes_are_kept() {
    let mut number = 1;
}
