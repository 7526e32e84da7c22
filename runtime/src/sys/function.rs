//! How one process names a function of the program to another.
//!
//! Both run the same image, so a function is at the same distance from its beginning. That means
//! something in the same image only, which is compared first. It does not matter if the compiler or the
//! linker has merged functions: those at one place have the same instructions, and do the same.
//!
//! What another process says is taken at its word, as what its connection says always is: that there
//! is code at a distance is checked, but not which.

#![expect(
    unsafe_code,
    reason = "what another process of the same image names by distance is taken at its word"
)]

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::image::{self, ImageId};

/// A pointer to a function of a type: `fn()`, `fn(A) -> R`.
///
/// # Safety
///
/// The type is one of a function pointer.
pub(crate) unsafe trait Pointer: Copy {
    /// Where the function is.
    fn address(self) -> *const ();
}

// SAFETY: it is a function pointer.
unsafe impl Pointer for fn() {
    fn address(self) -> *const () {
        self as *const ()
    }
}

// SAFETY: it is a function pointer.
unsafe impl<A, R> Pointer for fn(A) -> R {
    fn address(self) -> *const () {
        self as *const ()
    }
}

/// How far a function of the program is from where that was loaded. The same in all processes that run
/// the same image.
#[expect(
    clippy::unsafe_derive_deserialize,
    reason = "what it names is checked when it is looked for, not when it is read"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub(crate) struct Distance<P>(u64, PhantomData<P>);

impl<P: Pointer> Distance<P> {
    /// `None` if the function is not the program's.
    pub(crate) fn of(function: P) -> Option<Distance<P>> {
        let distance = image::distance(function.address())?;
        Some(Distance(distance, PhantomData))
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }

    pub(crate) fn from_number(number: u64) -> Distance<P> {
        Distance(number, PhantomData)
    }

    /// The function, for what a process of the same image has made of one of this type. `None` if there
    /// is no code of the program's.
    pub(crate) fn find(self) -> Option<P> {
        let address = image::find_code(self.0)?;
        // SAFETY: `P` is a function pointer (`Pointer`), which has the layout of an address. A process
        // of the same image, or of a file with the same contents, has made the distance from a function
        // of type `P`. So what is at this distance is that function here, too, or one that was merged
        // with it: which has the same instructions, and with them the same arguments, result and
        // effects.
        Some(unsafe { std::mem::transmute_copy::<*const (), P>(&address) })
    }
}

/// A function without arguments, in words that another process of this program understands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Function(ImageId, Distance<fn()>);

impl Function {
    /// `None` if the function is not the program's.
    pub(crate) fn new(function: fn()) -> Option<Function> {
        Some(Function(image::identity()?, Distance::of(function)?))
    }

    /// The function, if this process runs the same image.
    pub(crate) fn find(&self) -> Option<fn()> {
        let is_same = image::identity().is_some_and(|image| image == self.0);
        if is_same { self.1.find() } else { None }
    }
}
