//! Tests that would disturb each other in one process: many of them, side by side.

use std::env;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};

static RUNS: AtomicUsize = AtomicUsize::new(0);

/// Changes everything that belongs to the whole process, and finds nothing that others have changed.
#[expect(unsafe_code, reason = "the environment and handlers of signals")]
fn take_the_process(directory: &str) {
    assert_eq!(RUNS.fetch_add(1, Ordering::Relaxed), 0);

    assert_eq!(env::var_os("MULTIPROC_TEST_OWNER"), None);
    // SAFETY: no other thread of this process looks at the environment.
    unsafe { env::set_var("MULTIPROC_TEST_OWNER", directory) };

    assert_ne!(env::current_dir().unwrap().to_str(), Some(directory));
    env::set_current_dir(directory).unwrap();

    // SAFETY: to ignore a signal takes no handler.
    let before = unsafe { libc::signal(libc::SIGUSR1, libc::SIG_IGN) };
    assert_eq!(before, libc::SIG_DFL);

    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| hook(info)));

    for _ in 0..100 {
        assert_eq!(env::var("MULTIPROC_TEST_OWNER").as_deref(), Ok(directory));
        assert_eq!(env::current_dir().unwrap().to_str(), Some(directory));
        std::thread::yield_now();
    }
}

macro_rules! pairs {
    ($($name:ident)*) => {$(
        mod $name {
            #[multiproc::test]
            fn one() {
                super::take_the_process("/");
            }

            #[multiproc::test]
            fn other() {
                super::take_the_process("/proc");
            }
        }
    )*};
}

pairs! {
    a0 a1 a2 a3 a4 a5 a6 a7 a8 a9
    b0 b1 b2 b3 b4 b5 b6 b7 b8 b9
    c0 c1 c2 c3 c4 c5 c6 c7 c8 c9
    d0 d1 d2 d3 d4 d5 d6 d7 d8 d9
    e0 e1 e2 e3 e4 e5 e6 e7 e8 e9
}
