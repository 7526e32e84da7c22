//! What is known of a type before serde is asked: that its values mean something in one process only.
//!
//! serde takes many of them: it copies what is inside of a [`Mutex`](std::sync::Mutex), and the copy
//! is another lock. The types are told apart by what they are, not by how they are spelt: an
//! associated constant of its own hides that of a trait. So [`Judge<T>::VERDICT`](Judge) is
//! [`Refused`] for the types that are listed here, [`Container`] for those of std whose values go with
//! them, and [`Open`] for all others: what those do with their parameters is not known, and a
//! `Shared<AtomicU64>` is as good as an `Fd<File>`.
//!
//! A lifetime that is left out is found in the same way. In the type of a function pointer it is for the
//! caller to choose, so `fn(Name)` is no `fn(T)` for any `T` if `Name` has one ([`Elision`]).
//!
//! Generated code asks more than once. A constant reports what is refused, at the type and in words. And
//! where codecs are made and used, a refused type needs none, so that there is no second error.
//!
//! Where the types are parameters, as those of a function that is a value, nothing hides anything. There
//! the names that the compiler gives them have to tell (`function/refusal.rs`).

use std::cell::{Cell, LazyCell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::fmt;
use std::fs::File;
use std::io::{PipeReader, PipeWriter};
use std::marker::PhantomData;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use std::rc::Rc;
use std::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicPtr, AtomicU8,
    AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
};
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::sync::{Arc, Barrier, Condvar, LazyLock, Mutex, OnceLock, RwLock};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::dispatch::{Argument, BorrowedCodec, OwnedCodec};

/// Has a constant `VERDICT` for each type.
#[derive(Debug)]
pub struct Judge<T: ?Sized>(PhantomData<T>);

/// The verdict on all types that have none of their own.
pub trait Unjudged {
    /// Serde decides.
    const VERDICT: Open = Open;
}

impl<T: ?Sized> Unjudged for Judge<T> {}

/// A type that is inferred, under a name that can be shown in the place of another.
pub type Inferred<T> = T;

/// Nothing speaks against the type, nor against what it is made of.
#[derive(Clone, Copy, Debug)]
pub struct Open;

/// The type is as good as what is inside.
#[derive(Clone, Copy, Debug)]
pub struct Container;

/// Values of the type mean something in one process only, or serde knows it by half.
#[derive(Clone, Copy, Debug)]
pub struct Refused {
    pub(crate) why: &'static str,
    pub(crate) help: &'static str,
}

/// What both verdicts say that refuse nothing.
macro_rules! accept {
    ($Verdict:ident) => {
        impl $Verdict {
            /// Reports nothing.
            pub const fn check(self, _subject: &str) {}

            /// The verdict on both types, or on two things about one.
            #[must_use]
            pub const fn and<V: Copy>(self, other: V) -> V {
                other
            }

            /// The verdict on what is of no interest if this one refuses.
            #[must_use]
            pub const fn otherwise<V: Copy>(self, other: V) -> V {
                other
            }

            /// The argument that the codec makes of a value.
            #[must_use]
            pub fn own<'call, T: 'call>(self, codec: &OwnedCodec<T>, value: T) -> Argument<'call> {
                codec.own(value)
            }

            /// The codec that serde gives.
            #[must_use]
            pub fn owned<T>(self, codec: OwnedCodec<T>) -> OwnedCodec<T> {
                codec
            }

            /// The codec that serde gives.
            #[must_use]
            pub fn borrowed<T: ?Sized>(self, codec: BorrowedCodec<T>) -> BorrowedCodec<T> {
                codec
            }
        }
    };
}

accept! { Open }
accept! { Container }

impl Open {
    /// The verdict on a type among the parameters of this one.
    #[must_use]
    pub const fn inside<V: Copy>(self, _verdict: V) -> Open {
        self
    }
}

impl Container {
    /// The verdict on a type among the parameters of this one.
    #[must_use]
    pub const fn inside<V: Copy>(self, verdict: V) -> V {
        verdict
    }
}

impl Refused {
    /// Reports the type. `subject` begins the sentence: ``worker `add` cannot take `Mutex<u64>` ``.
    ///
    /// # Panics
    ///
    /// Always: in a constant, that is a compile error where the constant stands.
    #[track_caller]
    pub const fn check(self, subject: &str) {
        let text = Text::new()
            .with(subject)
            .with(": ")
            .with(self.why)
            .with("\nhelp: ")
            .with(self.help);
        panic!("{}", text.as_str())
    }

    /// The verdict on a type among the parameters of this one, which is reported already.
    #[must_use]
    pub const fn inside<V: Copy>(self, _verdict: V) -> Open {
        Open
    }

    /// The verdict on both types, or on two things about one.
    #[must_use]
    pub const fn and<V: Copy>(self, _other: V) -> Refused {
        self
    }

    /// The verdict on what is of no interest any more.
    #[must_use]
    pub const fn otherwise<V: Copy>(self, _other: V) -> Open {
        Open
    }

    /// Stands for an argument in a program that does not compile.
    #[must_use]
    pub fn own<C, T>(self, _codec: &C, _value: T) -> Argument<'static> {
        unreachable!("{}", self.why)
    }

    /// Stands for a codec in a program that does not compile.
    #[must_use]
    pub fn owned<T>(self, _codec: OwnedCodec<()>) -> OwnedCodec<T> {
        unreachable!("{}", self.why)
    }

    /// Stands for a codec in a program that does not compile.
    #[must_use]
    pub fn borrowed<T: ?Sized>(self, _codec: BorrowedCodec<()>) -> BorrowedCodec<T> {
        unreachable!("{}", self.why)
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.why, self.help)
    }
}

/// Has a constant `VERDICT` for each type of a function pointer with one parameter: whether the type
/// of that says all its lifetimes.
#[derive(Debug)]
pub struct Elision<F: ?Sized>(PhantomData<F>);

impl<T: ?Sized> Elision<fn(T)> {
    /// It does.
    pub const VERDICT: Open = Open;
}

/// The verdict on all others.
pub trait Elided {
    /// A lifetime is left out.
    const VERDICT: Refused = Refused {
        why: "it has a lifetime, and a borrow does not reach into another process",
        help: "write a type that owns its data (for a guard, that of what is locked), or `'static` \
               where that makes the type own it, as in `Cow<'static, str>`",
    };
}

impl<F: ?Sized> Elided for Elision<F> {}

/// Text put together in a constant.
struct Text {
    bytes: [u8; Text::CAPACITY],
    len: usize,
}

impl Text {
    const CAPACITY: usize = 1024;

    const fn new() -> Self {
        Text {
            bytes: [0; Text::CAPACITY],
            len: 0,
        }
    }

    /// Leaves out a piece for which there is no room.
    const fn with(mut self, piece: &str) -> Self {
        if piece.len() <= Text::CAPACITY - self.len {
            let (_, rest) = self.bytes.split_at_mut(self.len);
            let (place, _) = rest.split_at_mut(piece.len());
            place.copy_from_slice(piece.as_bytes());
            self.len += piece.len();
        }
        self
    }

    const fn as_str(&self) -> &str {
        let (text, _) = self.bytes.split_at(self.len);
        match std::str::from_utf8(text) {
            Ok(text) => text,
            Err(_) => unreachable!(),
        }
    }
}

/// Gives types the verdict that is on what is inside.
macro_rules! look_inside {
    ($([$($generics:tt)*] $Type:ty;)*) => {$(
        impl<$($generics)*> Judge<$Type> {
            /// The type is as good as what is inside.
            pub const VERDICT: Container = Container;
        }
    )*};
}

look_inside! {
    [T: ?Sized] Arc<T>;
    [T: ?Sized] Box<T>;
    [T: ?Sized] Rc<T>;
    [T] BinaryHeap<T>;
    [K, V] BTreeMap<K, V>;
    [T] BTreeSet<T>;
    [K, V, S] HashMap<K, V, S>;
    [T, S] HashSet<T, S>;
    [T] LinkedList<T>;
    [T] Option<T>;
    [T, E] Result<T, E>;
    [T] Vec<T>;
    [T] VecDeque<T>;
}

/// Refuses types, each with what to write instead.
macro_rules! refuse {
    ($why:expr, $([$($generics:tt)*] $Type:ty => $help:expr;)*) => {$(
        impl<$($generics)*> Judge<$Type> {
            /// Values of the type mean something in one process only.
            pub const VERDICT: Refused = Refused { why: $why, help: $help };
        }
    )*};
}

refuse! {
    "its process would lock a copy of its own, and keep no other out",
    [T: ?Sized] Mutex<T> => "write `multiproc::sync::Mutex`, which processes share: its clones are the same lock, without an `Arc`";
    [T: ?Sized] RwLock<T> => "write `multiproc::sync::RwLock`, which processes share: its clones are the same lock, without an `Arc`";
}

refuse! {
    "it reaches only the threads of one process",
    [] Condvar => "write `multiproc::sync::Condvar`, which processes share";
    [] Barrier => "write `multiproc::sync::Barrier`, which processes share";
    [T] Sender<T> => "write `multiproc::channel::Sender`, and make it with `multiproc::channel::channel`";
    [T] SyncSender<T> => "write `multiproc::channel::Sender`, or `multiproc::channel::Queue` for one of limited length";
    [T] Receiver<T> => "write `multiproc::channel::Receiver`, and make it with `multiproc::channel::channel`";
    [T] JoinHandle<T> => "join the thread, and write the type of what it returned";
}

/// What an atomic of a type is refused with.
macro_rules! refuse_atomics {
    ($($Atomic:ident)*) => {
        refuse! {
            "its process would change a copy of its own",
            $([] $Atomic => concat!(
                "write `multiproc::shm::Shared<", stringify!($Atomic), ">`, which processes share: \
                 its clones are the same value, without an `Arc`",
            );)*
        }
    };
}

refuse_atomics! {
    AtomicBool AtomicI8 AtomicI16 AtomicI32 AtomicI64 AtomicIsize
    AtomicU8 AtomicU16 AtomicU32 AtomicU64 AtomicUsize
}

refuse! {
    "an address means nothing in another process",
    [T] AtomicPtr<T> => "write the type of the data it points to";
}

refuse! {
    "its process would change a copy of its own",
    [T: ?Sized] Cell<T> => "write the type of what is inside, or, for a value that processes share, `multiproc::sync::Mutex`";
    [T: ?Sized] RefCell<T> => "write the type of what is inside, or, for a value that processes share, `multiproc::sync::Mutex`";
    [T] OnceCell<T> => "write the type of what is inside, in an `Option` if it may be missing";
    [T] OnceLock<T> => "write the type of what is inside, in an `Option` if it may be missing";
    [T, F] LazyCell<T, F> => "write the type of what is inside";
    [T, F] LazyLock<T, F> => "write the type of what is inside";
}

/// What a type that owns a descriptor is refused with.
macro_rules! refuse_descriptors {
    ($($Type:ident)*) => {
        refuse! {
            "the number of its descriptor means nothing in another process",
            $([] $Type => concat!(
                "write `multiproc::Fd<", stringify!($Type), ">`, which passes on what is open",
            );)*
        }
    };
}

refuse_descriptors! {
    File TcpListener TcpStream UdpSocket ChildStdin ChildStdout ChildStderr PipeReader PipeWriter
}

#[cfg(unix)]
mod unix {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    use super::{Judge, Refused};

    refuse_descriptors! { OwnedFd UnixDatagram UnixListener UnixStream }
}

refuse! {
    "only the process that started it can wait for it",
    [] Child => "write `multiproc::Fd<ChildStdin>` or the like for its pipes, or start it in the worker";
}

refuse! {
    "its clock is that of one process",
    [] Instant => "write `SystemTime`, or a `Duration` for the time that has passed or is left";
}
