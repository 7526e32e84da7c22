//! Which public types can go to other threads, be shared between them, be moved while pinned, and be
//! seen after a panic. A change there is a change of the library.

use std::cell::Cell;
use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::AtomicU64;

use multiproc::channel::{
    Drain, Duplex, IntoIter, ItemError, Iter, Queue, QueueIter, Receiver, RecvError, RecvFuture,
    RecvTimeoutError, SendError, SendTimeoutError, Sender, TryIter, TryRecvError, TrySendError,
};
use multiproc::shm::{Buffer, Chunk, Frozen, JoinError, Shared};
use multiproc::sync::{
    Barrier, BarrierWaitResult, BrokenBarrier, Condvar, Event, Mutex, MutexGuard, Permit,
    ReentrantLock, ReentrantLockGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore,
    WaitTimeoutResult,
};
use multiproc::{
    AsCompleted, Call, CallFuture, ChildInfo, Current, Error, ErrorKind, Fd, Indexed,
    IndexedStream, Killer, Location, Map, MapStream, PanicInfo, Pool, PoolBuilder, PoolStats,
    Process, RemoteError, ShutdownFuture, StartMethod, Stdio, SubmitFuture, Task, TaskState,
    TrySubmitError, Usage, WaitTimeoutError, WorkerStats,
};

/// Asks the compiler. What a type has is found before what all have.
struct Of<T: ?Sized>(PhantomData<T>);

macro_rules! auto_trait {
    ($($name:ident: $bound:ident, $otherwise:ident;)*) => {
        $(
            #[allow(dead_code, reason = "all types have some of them")]
            trait $otherwise {
                const $name: bool = false;
            }
            impl<T: ?Sized> $otherwise for Of<T> {}
            impl<T: ?Sized + $bound> Of<T> {
                const $name: bool = true;
            }
        )*
    };
}

auto_trait! {
    SEND: Send, NotSend;
    SYNC: Sync, NotSync;
    UNPIN: Unpin, NotUnpin;
    UNWIND_SAFE: UnwindSafe, NotUnwindSafe;
    REF_UNWIND_SAFE: RefUnwindSafe, NotRefUnwindSafe;
}

/// Compares, type by type: `Send`, `Sync`, `Unpin`, `UnwindSafe`, `RefUnwindSafe`, or a dash.
macro_rules! assert_auto_traits {
    ($($type:ty => $expected:literal,)*) => {{
        let mut wrong = String::new();
        $(
            let letter = |has: bool, letter: char| if has { letter } else { '-' };
            let found: String = [
                letter(Of::<$type>::SEND, 'S'),
                letter(Of::<$type>::SYNC, 'Y'),
                letter(Of::<$type>::UNPIN, 'P'),
                letter(Of::<$type>::UNWIND_SAFE, 'U'),
                letter(Of::<$type>::REF_UNWIND_SAFE, 'R'),
            ]
            .into_iter()
            .collect();
            if found != $expected {
                wrong += &format!("{} => {found:?}, not {:?}\n", stringify!($type), $expected);
            }
        )*
        assert!(wrong.is_empty(), "{wrong}");
    }};
}

/// A value of one thread, of which references may not even go to another.
type Local = Cell<u32>;
/// What cannot leave its thread.
type Bound = *const u8;

#[test]
fn locks_and_guards() {
    assert_auto_traits! {
        Mutex<u32> => "SYPUR",
        Mutex<[u32]> => "SYPUR",
        Mutex<Local> => "SYPUR",
        MutexGuard<'static, u32> => "-YPUR",
        MutexGuard<'static, Local> => "--PUR",
        RwLock<u32> => "SYPUR",
        RwLock<[u32]> => "SYPUR",
        RwLockReadGuard<'static, u32> => "-YPUR",
        RwLockReadGuard<'static, Local> => "--PUR",
        RwLockWriteGuard<'static, u32> => "-YPUR",
        RwLockWriteGuard<'static, Local> => "--PUR",
        ReentrantLock<u32> => "SYPUR",
        ReentrantLock<Local> => "SYPUR",
        ReentrantLockGuard<'static, u32> => "-YPUR",
        ReentrantLockGuard<'static, Local> => "--PUR",
        Condvar => "SYPUR",
        WaitTimeoutResult => "SYPUR",
        Semaphore => "SYPUR",
        Permit<'static> => "SYPUR",
        Event => "SYPUR",
        Barrier => "SYPUR",
        BarrierWaitResult => "SYPUR",
        BrokenBarrier => "SYPUR",
    }
}

#[test]
fn memory() {
    assert_auto_traits! {
        Shared<AtomicU64> => "SYPUR",
        Shared<[u8]> => "SYPUR",
        Frozen<String> => "SYPUR",
        Frozen<[u8]> => "SYPUR",
        // Lent to other threads, it has to be fit for that.
        Frozen<Cell<u8>> => "--P--",
        Buffer<u32> => "SYPUR",
        Buffer<Local> => "S-PU-",
        Buffer<Bound> => "--PUR",
        Chunk<u32> => "SYPUR",
        Chunk<Local> => "S-PU-",
        Chunk<Bound> => "--PUR",
        JoinError<u32> => "SYPUR",
        JoinError<Local> => "S-PU-",
    }
}

#[test]
fn channels() {
    assert_auto_traits! {
        Sender<u32> => "SYPUR",
        Sender<Bound> => "SYPUR",
        Receiver<u32> => "S-PU-",
        Receiver<Bound> => "S-PU-",
        Duplex<u32, u32> => "S-PU-",
        Queue<u32> => "SYPUR",
        Queue<Bound> => "SYPUR",
        QueueIter<'static, u32> => "SYPUR",
        Drain<'static, u32> => "SYPUR",
        Iter<'static, u32> => "--P--",
        TryIter<'static, u32> => "--P--",
        IntoIter<u32> => "S-PU-",
        RecvFuture<'static, u32> => "S-P--",
        ItemError => "SYPUR",
        SendError<u32> => "SYPUR",
        SendError<Bound> => "--PUR",
        TrySendError<u32> => "SYPUR",
        TrySendError<Bound> => "--PUR",
        SendTimeoutError<Local> => "S-PU-",
        RecvError => "SYPUR",
        TryRecvError => "SYPUR",
        RecvTimeoutError => "SYPUR",
    }
}

#[test]
fn processes_and_pools() {
    assert_auto_traits! {
        Process<u32> => "SYPUR",
        Process<Bound> => "SYPUR",
        Call<'static, u32> => "--P--",
        CallFuture<u32> => "SYP--",
        ChildInfo => "SYPUR",
        Killer => "SYPUR",
        Usage => "SYPUR",
        Current => "SYPUR",
        StartMethod => "SYPUR",
        Stdio => "SYPUR",
        Fd<std::fs::File> => "SYPUR",
        Error => "SYP--",
        ErrorKind => "SYPUR",
        PanicInfo => "SYPUR",
        Location => "SYPUR",
        RemoteError => "SYPUR",
        Pool => "SYP--",
        PoolBuilder => "SYP--",
        PoolStats => "SYPUR",
        WorkerStats => "SYPUR",
        Task<u32> => "SYPUR",
        Task<Bound> => "SYPUR",
        TaskState => "SYPUR",
        AsCompleted<Task<u32>> => "SYPUR",
        SubmitFuture<u32> => "SYP--",
        ShutdownFuture => "SYPUR",
        TrySubmitError<Call<'static, u32>> => "--P--",
        WaitTimeoutError => "SYPUR",
        Map<'static, u32, std::vec::IntoIter<u32>, fn(u32) -> Call<'static, u32>> => "S-P--",
        Indexed<'static, u32, std::vec::IntoIter<u32>, fn(u32) -> Call<'static, u32>> => "S-P--",
        MapStream<u32, std::vec::IntoIter<u32>, fn(u32) -> Call<'static, u32>> => "S-P--",
        IndexedStream<u32, std::vec::IntoIter<u32>, fn(u32) -> Call<'static, u32>> => "S-P--",
    }
}
