//! Generated code gives no reason to complain, whatever is asked of the crate.
#![forbid(
    unsafe_code,
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    non_camel_case_types,
    single_use_lifetimes,
    unnameable_types,
    unreachable_pub,
    unused,
    unused_lifetimes,
    unused_qualifications,
    unused_results
)]
#![deny(
    warnings,
    future_incompatible,
    let_underscore,
    nonstandard_style,
    rust_2018_idioms,
    rust_2021_compatibility,
    rust_2024_compatibility
)]

use std::path::Path;

use multiproc::{RemoteError, startup, worker};

/// Has parameters of every kind.
///
/// # Errors
///
/// When there is no file.
#[worker]
fn resize(path: &Path, (width, height): (u32, u32), mut quality: f32) -> Result<u64, RemoteError> {
    quality *= 2.0;
    assert!(quality > 0.0);
    let length = std::fs::metadata(path)?.len();
    Ok(length + u64::from(width * height))
}

#[worker]
fn exit(code: i32) -> ! {
    std::process::exit(code)
}

#[worker]
fn never_started(_unused: u8) {}

#[startup]
fn start() {}

/// Is documented, and has a result.
///
/// # Errors
///
/// Never.
#[multiproc::test(timeout = "50s")]
fn test_returns() -> Result<(), RemoteError> {
    let _size = std::fs::metadata("/")?.len();
    Ok(())
}

#[multiproc::test(exits = 3)]
fn test_exits() -> ! {
    std::process::exit(3)
}

#[multiproc::test]
#[should_panic]
fn test_panics() {
    start();
    panic!();
}

#[test]
fn it_runs() {
    let size = resize::run(Path::new("/"), (2, 3), 0.5);
    assert!(size.unwrap().unwrap() >= 6);
    assert!(exit::run(1).is_err());
}
