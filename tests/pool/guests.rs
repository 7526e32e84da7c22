//! Code of the program's that a pool calls: it may panic, and it may use the pool.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use multiproc::{ErrorKind, Pool, worker};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{check, doze, eventually, square};

/// An error that can be sent, but not be told.
#[derive(Debug, Serialize, Deserialize)]
struct Untold;

impl fmt::Display for Untold {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("it shall not be told");
    }
}

#[worker]
fn fail_untold() -> Result<(), Untold> {
    Err(Untold)
}

/// An error that cannot be read.
#[derive(Debug, Serialize)]
struct Unread;

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Unread, D::Error> {
        panic!("it shall not be read");
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unread")
    }
}

#[worker]
fn fail_unread() -> Result<(), Unread> {
    Err(Unread)
}

#[test]
fn an_initializer_whose_result_panics_fails() {
    check(|pool| {
        for builder in [
            pool().initializer(fail_untold::call()),
            pool().initializer(fail_unread::call()),
        ] {
            let pool = builder.workers(2).build().unwrap();
            let error = pool.submit(square::call(1)).wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            assert!(error.to_string().contains("panicked"), "{error}");
            assert!(pool.shutdown().is_err());
        }
    });
}

/// The pool that [`Curious`] uses.
static POOL: OnceLock<Mutex<Option<Arc<Pool>>>> = OnceLock::new();

/// An error that asks the pool how it is, while it is told.
#[derive(Debug, Serialize, Deserialize)]
struct Curious;

impl fmt::Display for Curious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        eventually("there is a pool", || POOL.get().is_some());
        let pool = POOL.get().unwrap().lock().unwrap().clone().unwrap();
        let task = pool.submit(square::call(1));
        write!(f, "{} wait, {:?}", pool.queued(), task.state())
    }
}

#[worker]
fn fail_curious() -> Result<(), Curious> {
    Err(Curious)
}

#[test]
fn what_tells_an_error_may_use_the_pool() {
    crate::within(std::time::Duration::from_mins(1), || {
        let pool = Pool::builder().workers(1).initializer(fail_curious::call());
        let pool = Arc::new(pool.build().unwrap());
        POOL.get_or_init(|| Mutex::new(Some(Arc::clone(&pool))));
        let error = pool.submit(square::call(1)).wait().unwrap_err();
        assert!(error.to_string().contains("initializer"), "{error}");
        assert!(pool.shutdown().is_err());
        POOL.get().unwrap().lock().unwrap().take();
    });
}

/// A waker that uses the pool whenever it is touched, and panics when it wakes.
struct Nosy(Arc<Pool>);

impl Nosy {
    fn look(&self) {
        let _ = (self.0.queued(), self.0.stats());
        drop(self.0.submit(square::call(1)));
    }

    fn waker(self) -> Waker {
        fn raw(nosy: Box<Nosy>) -> RawWaker {
            static TABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, forget);
            RawWaker::new(Box::into_raw(nosy).cast_const().cast(), &TABLE)
        }
        #[expect(unsafe_code, reason = "a waker is made of pointers")]
        fn nosy<'n>(data: *const ()) -> &'n Nosy {
            // SAFETY: the data of this waker is a `Nosy` that lives as long as the waker.
            unsafe { &*data.cast::<Nosy>() }
        }
        fn clone(data: *const ()) -> RawWaker {
            nosy(data).look();
            raw(Box::new(Nosy(Arc::clone(&nosy(data).0))))
        }
        fn wake(data: *const ()) {
            forget(data);
            panic!("it does not want to wake up");
        }
        fn wake_by_ref(data: *const ()) {
            nosy(data).look();
            panic!("it does not want to wake up");
        }
        #[expect(unsafe_code, reason = "a waker is made of pointers")]
        fn forget(data: *const ()) {
            nosy(data).look();
            // SAFETY: the data came from a box, and the waker is gone after this.
            drop(unsafe { Box::from_raw(data.cast_mut().cast::<Nosy>()) });
        }
        #[expect(unsafe_code, reason = "a waker is made of pointers")]
        // SAFETY: the table's functions keep the contract: each waker has a box of its own.
        unsafe {
            Waker::from_raw(raw(Box::new(self)))
        }
    }
}

#[test]
fn a_waker_may_do_what_it_likes() {
    check(|pool| {
        let pool = Arc::new(pool().workers(1).build().unwrap());
        let mut task = pool.submit(doze::call(200));
        for _ in 0..3 {
            let waker = Nosy(Arc::clone(&pool)).waker();
            let polled = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
            assert!(matches!(polled, Poll::Pending));
        }
        eventually("it is finished", || task.is_finished());
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
        pool.shutdown().unwrap();
    });
}

/// Panics when it is dropped.
struct Fragile;

impl Drop for Fragile {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("it breaks");
        }
    }
}

#[test]
fn a_callback_may_break_when_it_is_dropped() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        for _ in 0..3 {
            let fragile = Fragile;
            pool.submit(square::call(2)).on_done(move |_| drop(fragile));
        }
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
        pool.shutdown().unwrap();
    });
}
