//! Code of the program's that a pool calls: it may panic, and it may use the pool.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};

use multiproc::{ErrorKind, Pool, Task, worker};
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

/// A waker that has a pool to itself, and drops it when it wakes.
struct Owner {
    pool: Mutex<Option<Pool>>,
    has_dropped: AtomicBool,
}

impl Owner {
    /// Gives a pool to the waker of one of its tasks.
    fn wait_for<R>(pool: Pool, task: &mut Task<R>) -> Arc<Owner> {
        let owner = Arc::new(Owner {
            pool: Mutex::new(Some(pool)),
            has_dropped: AtomicBool::new(false),
        });
        let waker = Waker::from(Arc::clone(&owner));
        let polled = Pin::new(task).poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
        owner
    }

    fn has_dropped(&self) -> bool {
        self.has_dropped.load(Ordering::SeqCst)
    }
}

impl Wake for Owner {
    fn wake(self: Arc<Self>) {
        let pool = self.pool.lock().unwrap().take();
        drop(pool);
        self.has_dropped.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_waker_may_drop_the_pool() {
    check(|pool| {
        // On the pool's own thread, or on another that takes in the result.
        let with_result = pool().workers(1).build().unwrap();
        let mut task = with_result.submit(doze::call(200));
        let owner = Owner::wait_for(with_result, &mut task);
        eventually("the pool is dropped", || owner.has_dropped());
        // On the thread that cancels the task.
        let cancelled = pool().workers(1).build().unwrap();
        let mut task = cancelled.submit(doze::call(60_000));
        let owner = Owner::wait_for(cancelled, &mut task);
        assert!(task.cancel());
        assert!(owner.has_dropped());
    });
}

/// Whether the task waits that is to be told of an [`Awaited`].
static IS_WAITING: AtomicBool = AtomicBool::new(false);

/// An error that is not told before a task waits for it.
#[derive(Debug, Serialize, Deserialize)]
struct Awaited;

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        eventually("a task waits", || IS_WAITING.load(Ordering::SeqCst));
        f.write_str("awaited")
    }
}

#[worker]
fn fail_awaited() -> Result<(), Awaited> {
    Err(Awaited)
}

#[test]
fn a_waker_may_drop_the_pool_whose_initializer_failed() {
    crate::within(std::time::Duration::from_mins(1), || {
        let pool = Pool::builder().workers(1).initializer(fail_awaited::call());
        let pool = pool.build().unwrap();
        let mut task = pool.submit(square::call(1));
        let owner = Owner::wait_for(pool, &mut task);
        IS_WAITING.store(true, Ordering::SeqCst);
        eventually("the pool is dropped", || owner.has_dropped());
        assert!(task.wait().unwrap_err().to_string().contains("initializer"));
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
