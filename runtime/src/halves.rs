//! Which half of what a type needs is missing, where the other is there.
//!
//! A type that lacks all of it is told by the bound that it does not meet ([`Payload`](crate::Payload)).
//! One that can be written but not read, or the other way round, is refused in words of its own. What
//! serde can do with it is told as in [`verdict`](crate::verdict): an associated constant of its own, where
//! the bound is met, hides that of a trait.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::verdict::{Open, Refused};

/// Has constants that say what serde can do with a type.
#[derive(Debug)]
pub struct Serde<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized + Serialize> Serde<T> {
    /// It can write the type.
    pub const WRITES: Yes = Yes;
}

// For some lifetime: that it is for any, the codec asks, and rustc shall say so once.
impl<'de, T: Deserialize<'de>> Serde<T> {
    /// It can read the type.
    pub const READS: Yes = Yes;
}

impl<T: ?Sized + ToOwned> Serde<T> {
    /// The type has an owned form.
    pub const OWNS: Yes = Yes;
}

impl<'de, T: ?Sized + ToOwned<Owned: Deserialize<'de>>> Serde<T> {
    /// It can read the owned form of the type.
    pub const READS_OWNED: Yes = Yes;
}

/// What serde cannot do with a type.
pub trait Lacking {
    /// It cannot write the type.
    const WRITES: No = No;
    /// It cannot read the type.
    const READS: No = No;
    /// The type has no owned form.
    const OWNS: No = No;
    /// It cannot read the owned form of the type.
    const READS_OWNED: No = No;
}

impl<T: ?Sized> Lacking for Serde<T> {}

/// An answer that is known by its type.
#[derive(Clone, Copy, Debug)]
pub struct Yes;

/// An answer that is known by its type.
#[derive(Clone, Copy, Debug)]
pub struct No;

/// Both answers, each with the verdict on a type that can be read, or not.
pub trait Answer: Copy {
    /// The verdict on one that can be written.
    type IfWritten: Copy;
    /// The verdict on one that cannot be written.
    type IfNotWritten: Copy;
    /// The verdict on one that can be written, but has no owned form.
    type IfNotOwned: Copy;

    /// The verdict on one that can be written.
    const IF_WRITTEN: Self::IfWritten;
    /// The verdict on one that cannot be written.
    const IF_NOT_WRITTEN: Self::IfNotWritten;
    /// The verdict on one that can be written, but has no owned form.
    const IF_NOT_OWNED: Self::IfNotOwned;
}

impl Answer for Yes {
    type IfWritten = Open;
    type IfNotWritten = Refused;
    type IfNotOwned = Refused;

    const IF_WRITTEN: Open = Open;
    const IF_NOT_WRITTEN: Refused = Refused {
        why: "serde can read it, but not write it",
        help: "add `serde::Serialize` to the `#[derive(..)]` of the type, or of those inside it that \
               lack it",
    };
    const IF_NOT_OWNED: Refused = Refused {
        why: "its process reads an owned form of it, to lend that, and it is not `Clone`",
        help: "add `Clone` to the `#[derive(..)]` of the type, or take it by value",
    };
}

impl Answer for No {
    type IfWritten = Refused;
    type IfNotWritten = Open;
    type IfNotOwned = Open;

    const IF_WRITTEN: Refused = Refused {
        why: "serde can write it, but not read it",
        help: "add `serde::Deserialize` to the `#[derive(..)]` of the type, or of those inside it that \
               lack it",
    };
    /// What lacks both is told by the bound that it does not meet.
    const IF_NOT_WRITTEN: Open = Open;
    const IF_NOT_OWNED: Open = Open;
}

impl Yes {
    /// The verdict on a type that can be written.
    #[must_use]
    pub const fn and_read<R: Answer>(self, _reads: R) -> R::IfWritten {
        R::IF_WRITTEN
    }

    /// The verdict on a type that can be written and has no owned form.
    #[must_use]
    pub const fn and_only_read<R: Answer>(self, _reads: R) -> R::IfNotOwned {
        R::IF_NOT_OWNED
    }

    /// Chooses the first.
    #[must_use]
    pub const fn choose<A: Copy, B: Copy>(self, first: A, _second: B) -> A {
        first
    }
}

impl No {
    /// The verdict on a type that cannot be written.
    #[must_use]
    pub const fn and_read<R: Answer>(self, _reads: R) -> R::IfNotWritten {
        R::IF_NOT_WRITTEN
    }

    /// The verdict on a type that has none of both.
    #[must_use]
    pub const fn and_only_read<R: Answer>(self, _reads: R) -> Open {
        Open
    }

    /// Chooses the second.
    #[must_use]
    pub const fn choose<A: Copy, B: Copy>(self, _first: A, second: B) -> B {
        second
    }
}
