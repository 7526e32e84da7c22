//! Guards that outlive what they should not: a lock has one holder as long as any code can use the
//! guard, and comes back by itself only when the holder's process is gone.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::ops::Deref;
use std::sync::TryLockError::{Poisoned, WouldBlock};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{LockResult, TryLockError};
use std::thread;
use std::time::Duration;

use multiproc::shm::{Buffer, Chunk};
use multiproc::sync::{
    Condvar, Mutex, MutexGuard, ReentrantLock, ReentrantLockGuard, RwLock, RwLockReadGuard,
    RwLockWriteGuard, Semaphore,
};
use multiproc::worker;

use crate::{seconds, within};

/// Longer than a look at the dead takes, several times over.
const A_WHILE: Duration = Duration::from_millis(700);

fn leak<T>(value: T) -> &'static mut T {
    Box::leak(Box::new(value))
}

fn would_block<G: Debug>(result: Result<G, TryLockError<G>>) {
    match result {
        Err(WouldBlock) => {}
        other => panic!("the lock has another holder: {other:?}"),
    }
}

/// Runs on a thread that has ended when this returns.
fn on_a_thread<R: Send + 'static>(act: impl FnOnce() -> R + Send + 'static) -> R {
    thread::spawn(act).join().unwrap()
}

#[test]
fn what_is_borrowed_from_a_leaked_guard_stays_the_only_one() {
    within(seconds(60), || {
        let mutex = leak(Mutex::new(0_u64).unwrap());
        let one: &'static mut u64 = on_a_thread(|| &mut **leak(mutex.lock().unwrap()));
        would_block(mutex.try_lock());
        would_block(mutex.try_lock_for(A_WHILE));
        *one = 1;

        let lock = leak(RwLock::new(0_u64).unwrap());
        let one: &'static mut u64 = on_a_thread(|| &mut **leak(lock.write().unwrap()));
        would_block(lock.try_read());
        would_block(lock.try_write());
        would_block(lock.try_read_for(A_WHILE));
        would_block(lock.try_write_for(A_WHILE));
        *one = 1;

        let lock = leak(RwLock::new(7_u64).unwrap());
        let one: &'static u64 = on_a_thread(|| &**leak(lock.read().unwrap()));
        would_block(lock.try_write());
        would_block(lock.try_write_for(A_WHILE));
        assert_eq!(*one, *lock.read().unwrap());

        let lock = leak(ReentrantLock::new(0_u64).unwrap());
        let one: &'static u64 = on_a_thread(|| {
            std::mem::forget(lock.lock().unwrap());
            &**leak(lock.lock().unwrap())
        });
        would_block(lock.try_lock());
        would_block(lock.try_lock_for(A_WHILE));
        assert_eq!(*one, 0);

        let semaphore = leak(Semaphore::new(1).unwrap());
        let permit = on_a_thread(|| leak(semaphore.acquire()));
        assert!(semaphore.try_acquire().is_none());
        assert!(semaphore.try_acquire_for(A_WHILE).is_none());
        assert_eq!(semaphore.available(), 0);
        let _ = permit;
    });
}

#[test]
fn a_process_that_has_leaked_its_guards_gives_them_back_at_its_end() {
    #[worker]
    fn leaks(mutex: Mutex<u64>, lock: RwLock<u64>, reentrant: ReentrantLock<u64>) {
        on_a_thread(move || {
            leak(leak(mutex).lock().unwrap());
            leak(leak(lock).write().unwrap());
            leak(leak(reentrant).lock().unwrap());
        });
    }
    within(seconds(60), || {
        let (mutex, lock) = (Mutex::new(1).unwrap(), RwLock::new(2).unwrap());
        let reentrant = ReentrantLock::new(3).unwrap();
        leaks::run(mutex.clone(), lock.clone(), reentrant.clone()).unwrap();
        assert_eq!(*mutex.lock().unwrap_err().into_inner(), 1);
        assert_eq!(*lock.read().unwrap_err().into_inner(), 2);
        assert_eq!(*lock.write().unwrap_err().into_inner(), 2);
        assert_eq!(*reentrant.lock().unwrap_err().into_inner(), 3);
    });
}

/// A guard in a thread-local variable, dropped when the thread ends. The destructor says that it
/// runs, with the guard still there, and waits.
struct Late<G>(RefCell<Option<Kept<G>>>);

/// The guard, and what to say and to hear before it is dropped.
type Kept<G> = (G, Sender<()>, Receiver<()>);

impl<G> Drop for Late<G> {
    fn drop(&mut self) {
        let (guard, begun, go_on) = self.0.get_mut().take().unwrap();
        begun.send(()).unwrap();
        go_on.recv_timeout(Duration::from_secs(20)).unwrap();
        drop(guard);
    }
}

impl<G> Late<G> {
    const fn new() -> Late<G> {
        Late(RefCell::new(None))
    }
}

/// While a destructor of a thread-local has the guard, it `is_taken`; then others get it.
fn in_a_thread_local<G>(
    late: &'static thread::LocalKey<Late<G>>,
    lock: impl FnOnce() -> G + Send + 'static,
    is_taken: impl Fn(),
    is_free: impl FnOnce(),
) {
    let (begun, has_begun) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel();
    let thread = thread::spawn(move || {
        late.with(|late| *late.0.borrow_mut() = Some((lock(), begun, goes_on)));
    });
    has_begun.recv_timeout(Duration::from_secs(20)).unwrap();
    is_taken();
    go_on.send(()).unwrap();
    is_free();
    thread.join().unwrap();
}

/// Not poisoned: the guard was dropped as guards are.
fn has<G: Deref<Target = u64>>(result: LockResult<G>) {
    assert_eq!(*result.map_err(|_| "it is poisoned").unwrap(), 5);
}

#[test]
fn a_guard_in_a_thread_local_is_good_until_its_destructor_is_over() {
    thread_local! {
        static MUTEX: Late<MutexGuard<'static, u64>> = const { Late::new() };
        static READ: Late<RwLockReadGuard<'static, u64>> = const { Late::new() };
        static WRITE: Late<RwLockWriteGuard<'static, u64>> = const { Late::new() };
        static REENTRANT: Late<ReentrantLockGuard<'static, u64>> = const { Late::new() };
    }
    within(seconds(60), || {
        let mutex: &Mutex<u64> = leak(Mutex::new(5).unwrap());
        in_a_thread_local(
            &MUTEX,
            || mutex.lock().unwrap(),
            || would_block(mutex.try_lock_for(A_WHILE)),
            || has(mutex.lock()),
        );
        let lock: &RwLock<u64> = leak(RwLock::new(5).unwrap());
        in_a_thread_local(
            &WRITE,
            || lock.write().unwrap(),
            || would_block(lock.try_read_for(A_WHILE)),
            || has(lock.read()),
        );
        in_a_thread_local(
            &READ,
            || lock.read().unwrap(),
            || would_block(lock.try_write_for(A_WHILE)),
            || has(lock.write()),
        );
        let reentrant: &ReentrantLock<u64> = leak(ReentrantLock::new(5).unwrap());
        in_a_thread_local(
            &REENTRANT,
            || reentrant.lock().unwrap(),
            || would_block(reentrant.try_lock_for(A_WHILE)),
            || has(reentrant.lock()),
        );
    });
}

/// Locks in a destructor of a thread-local, which may run when those of the library are gone.
#[test]
fn destructors_of_thread_locals_can_use_all_locks() {
    struct Uses(Cell<Option<Sender<u32>>>);
    impl Drop for Uses {
        fn drop(&mut self) {
            let mutex = Mutex::new(1).unwrap();
            let reentrant = ReentrantLock::new(1).unwrap();
            let lock = RwLock::new(1).unwrap();
            let semaphore = Semaphore::new(1).unwrap();
            let (one, two) = (reentrant.lock().unwrap(), reentrant.lock().unwrap());
            drop(semaphore.acquire());
            let sum = *mutex.lock().unwrap() + *one + *two + *lock.read().unwrap();
            let changed = Condvar::new().unwrap();
            let guard = mutex.lock().unwrap();
            drop(changed.wait_timeout(guard, Duration::from_millis(5)));
            *lock.write().unwrap() += 1;
            self.0.take().unwrap().send(sum).unwrap();
        }
    }
    thread_local! {
        static FIRST: Uses = const { Uses(Cell::new(None)) };
        static SECOND: Uses = const { Uses(Cell::new(None)) };
    }
    within(seconds(60), || {
        let (sender, sums) = mpsc::channel();
        let other = sender.clone();
        on_a_thread(move || {
            FIRST.with(|uses| uses.0.set(Some(sender)));
            drop(Mutex::new(1).unwrap().lock());
            SECOND.with(|uses| uses.0.set(Some(other)));
        });
        assert_eq!(sums.iter().collect::<Vec<_>>(), [4, 4]);
    });
}

#[test]
fn a_thread_that_has_the_lock_is_told_so_and_no_other() {
    within(seconds(60), || {
        let mutex: &Mutex<u64> = leak(Mutex::new(1).unwrap());
        let told = on_a_thread(|| {
            let guard = mutex.lock().unwrap();
            let told = std::panic::catch_unwind(|| drop(mutex.lock()));
            std::mem::forget(guard);
            told.is_err() && std::panic::catch_unwind(|| drop(mutex.lock())).is_err()
        });
        assert!(told);
        // Threads that come later may be at the same place in memory, and have the same id for libc.
        for _ in 0..20 {
            on_a_thread(|| would_block(mutex.try_lock_for(Duration::from_millis(1))));
        }
        let reentrant: &ReentrantLock<u64> = leak(ReentrantLock::new(1).unwrap());
        on_a_thread(|| std::mem::forget(reentrant.lock().unwrap()));
        for _ in 0..200 {
            on_a_thread(|| would_block(reentrant.try_lock()));
        }
        let lock: &RwLock<u64> = leak(RwLock::new(1).unwrap());
        let told = on_a_thread(|| {
            let _guard = leak(lock.write().unwrap());
            std::panic::catch_unwind(|| drop(lock.read())).is_err()
                && std::panic::catch_unwind(|| drop(lock.write())).is_err()
        });
        assert!(told);
    });
}

#[test]
fn a_guard_dropped_in_a_panic_poisons_though_its_thread_goes_on() {
    within(seconds(60), || {
        let mutex = Mutex::new(1).unwrap();
        let lock = RwLock::new(1).unwrap();
        let caught = std::panic::catch_unwind(|| {
            let _guards = (mutex.lock().unwrap(), lock.write().unwrap());
            panic!("with guards");
        });
        assert!(caught.is_err());
        assert!(matches!(mutex.try_lock(), Err(Poisoned(_))));
        assert!(matches!(lock.try_read(), Err(Poisoned(_))));
    });
}

#[test]
fn a_condition_variable_takes_guards_of_any_mutex() {
    within(seconds(60), || {
        let changed = Condvar::new().unwrap();
        let (one, two) = (Mutex::new(1).unwrap(), Mutex::new(2).unwrap());
        thread::scope(|scope| {
            for (mutex, expected) in [(&one, 1), (&two, 2)] {
                let changed = &changed;
                scope.spawn(move || {
                    let guard = mutex.lock().unwrap();
                    let guard = changed.wait_while(guard, |n| *n == expected).unwrap();
                    // It is the lock that was given that is taken again, and no other.
                    assert_eq!(*guard, expected + 10);
                    would_block(mutex.try_lock());
                });
            }
            for mutex in [&one, &two] {
                *mutex.lock().unwrap() += 10;
                changed.notify_all();
            }
        });
    });
}

#[test]
fn a_forgotten_chunk_keeps_its_part() {
    within(seconds(60), || {
        let mut chunks = Buffer::<u32>::new(10).unwrap().split(3);
        std::mem::forget(chunks.remove(1));
        let error = Buffer::join(chunks).unwrap_err();
        assert_eq!(error.to_string(), "a chunk is missing");
        // Nor does what was forgotten become another's.
        let chunks = error.into_chunks();
        let others: Vec<Buffer<u32>> = (0..100).map(|_| Buffer::new(10).unwrap()).collect();
        let range = |chunk: &[u32]| chunk.as_ptr_range();
        for other in &others {
            let other = range(other);
            let is_apart = |chunk: &Chunk<u32>| {
                range(chunk).start >= other.end || range(chunk).end <= other.start
            };
            assert!(chunks.iter().all(is_apart));
        }
    });
}
