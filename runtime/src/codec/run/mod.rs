//! Runs: items of a sequence that are nothing but numbers, in the same structs and tuples.
//!
//! The shape is written once, behind it the numbers of each item as memory has them, without tags:
//! `Vec<Point { x, y, z: f32 }>` is twelve bytes an item.
//!
//! **Writing.** That an item may be of such a shape is seen when one was written in the ordinary way
//! and was nothing but numbers. Then a `Filler`, a serializer of its own, learns the shape of it, and
//! tries each item behind it: at each step it compares what is written with what the shape says, and
//! copies the number. Monomorphised for a type, a step is a comparison with a constant and a store
//! at a known place. The bytes of a long run are written where they stay, with memory for all of them taken
//! at once. The first item that is of another shape ends the run, and is written in
//! the ordinary way like all behind it; nothing is believed of a type.
//!
//! **Reading.** `Element` is a deserializer over one item, as self-describing as the ordinary one:
//! what asks for anything gets names and numbers. Before it, [`quick`] is tried, for those who ask for
//! exactly what was written. There a struct's visitor is given values by their place and no names, if it has
//! shown with the first item that it can do that, and if it asks for the names that were written, in that
//! order: that is what `visit_seq` of a struct means in all formats.
//!
//! **What is not believed.** A shape is at most `MOST_STEPS` steps long and a tree that ends; its items
//! take a byte at least, and as many as are announced must be there. So a run asks for no memory and
//! no time that its bytes do not pay for. `bool` and `char` are checked as everywhere.
//!
//! Measured with a million structs of three `f32`: written in a fifth of the time that tags and names
//! took, and read in a third, in six tenths of the bytes. A serializer that does nothing but append the
//! numbers takes 1.3 ms for them, four times as long as a copy of their memory: no way through serde is faster.

#![allow(
    clippy::inline_always,
    reason = "a step is cheap only where the compiler sees which it is"
)]

mod element;
mod filler;
mod quick;
mod shape;

pub(super) use element::Run;
pub(super) use filler::{fill, learn};
pub(super) use shape::{Shape, step, width};
