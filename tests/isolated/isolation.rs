//! Two tests that would disturb each other in one process, a hundred times side by side.

use std::env;
use std::panic;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What no other test has counted, though each test counts.
static RUNS: AtomicUsize = AtomicUsize::new(0);

static SIGNALS: AtomicUsize = AtomicUsize::new(0);

/// A logger that a process can have one of.
static LOGGER: OnceLock<&str> = OnceLock::new();

extern "C" fn count_signal(_: libc::c_int) {
    SIGNALS.fetch_add(1, Ordering::Relaxed);
}

/// Changes everything that belongs to the whole process, and finds nothing that others have changed.
#[expect(unsafe_code, reason = "the environment and handlers of signals")]
fn take_the_process(directory: &'static str) {
    let handler = count_signal as extern "C" fn(libc::c_int) as libc::sighandler_t;

    assert_eq!(RUNS.fetch_add(1, Ordering::Relaxed), 0);
    LOGGER.set(directory).unwrap();

    assert_eq!(env::var_os("MULTIPROC_TEST_OWNER"), None);
    // SAFETY: no other thread of this process looks at the environment.
    unsafe { env::set_var("MULTIPROC_TEST_OWNER", directory) };

    assert_ne!(env::current_dir().unwrap().to_str(), Some(directory));
    env::set_current_dir(directory).unwrap();

    // SAFETY: the handler changes an atomic number.
    let before = unsafe { libc::signal(libc::SIGUSR1, handler) };
    assert_eq!(before, libc::SIG_DFL);

    let hook = panic::take_hook();
    panic::set_hook(Box::new(move |info| hook(info)));

    for signals in 1..=100 {
        // SAFETY: it takes a number, and the signal has a handler.
        unsafe { libc::raise(libc::SIGUSR1) };
        assert_eq!(SIGNALS.load(Ordering::Relaxed), signals);
        assert_eq!(env::var("MULTIPROC_TEST_OWNER").as_deref(), Ok(directory));
        assert_eq!(env::current_dir().unwrap().to_str(), Some(directory));
        assert_eq!(LOGGER.get(), Some(&directory));
        thread::yield_now();
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
    f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
    g0 g1 g2 g3 g4 g5 g6 g7 g8 g9
    h0 h1 h2 h3 h4 h5 h6 h7 h8 h9
    i0 i1 i2 i3 i4 i5 i6 i7 i8 i9
    j0 j1 j2 j3 j4 j5 j6 j7 j8 j9
}
