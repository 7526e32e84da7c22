use std::sync::atomic::{AtomicU32, Ordering};

use multiproc::{startup, worker};

static STARTED: AtomicU32 = AtomicU32::new(0);

#[startup]
fn count() {
    STARTED.fetch_add(1, Ordering::Relaxed);
}

mod other {
    use std::sync::atomic::Ordering;

    #[multiproc::startup]
    pub(crate) fn count() -> () {
        super::STARTED.fetch_add(10, Ordering::Relaxed);
    }

    #[multiproc::startup]
    #[cfg(any())]
    fn absent() {
        unknown();
    }
}

#[worker]
fn started() -> u32 {
    STARTED.load(Ordering::Relaxed)
}

#[test]
fn it_runs() {
    #[startup]
    fn nested() {
        STARTED.fetch_add(100, Ordering::Relaxed);
    }

    assert_eq!(started(), 0);
    assert_eq!(started::run().unwrap(), 111);
    // They are ordinary functions as well.
    count();
    other::count();
    assert_eq!(started(), 11);
}
