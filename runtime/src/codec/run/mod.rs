//! Runs: items of a sequence that are nothing but numbers, in the same structs and tuples.
//!
//! The shape is written once, behind it the numbers of each item as memory has them, without tags:
//! `Vec<Point { x, y, z: f32 }>` is twelve bytes an item.
//!
//! **Writing.** That items may be of such a shape is seen when the first was written in the ordinary way
//! and was nothing but numbers. Then that is taken back, [`filler`] learns the shape of it, and
//! tries each item: it puts each number where the shape has one, and notes whether a step was another than the
//! shape says. The note is looked at when the item ends. Monomorphised for a type, it is the same for each item,
//! so the compiler works it out before the loop, and what is left of a number is a load, and a store at a
//! known place. Slices of arrays are copied at once ([`arrays`](super::arrays)).
//! The bytes of a long run are written where they stay, with memory for all of them taken
//! at once. The first item that is of another shape ends the run, and is written in
//! the ordinary way like all behind it; nothing is believed of a type. If there is none, the sequence is
//! marked as one that is nothing but a run.
//!
//! **Reading.** `Element` is a deserializer over one item, as self-describing as the ordinary one:
//! what asks for anything gets names and numbers. Before it, [`quick`] is tried, for those who ask for
//! exactly what was written. There a struct's visitor is given values by their place and no names, if it
//! asks for the names that were written, in that order: that is what `visit_seq` of a struct means in all
//! formats. What asks for a sequence, and comes to one that is nothing but a run, gets a way of its own to the
//! items, in which there is nothing else: that is the loop that has to be short.
//!
//! **What the processor waits for.** Numbers that were stored one by one are there at once for who loads
//! them one by one; who loads two of them together waits until both stores are done, which took longer than all
//! else that was done to read an array of three `f32`. The compiler loads them so where it moves a value in pieces that
//! are not the fields of it. So the parts here that look odd see to it that it need not: an item is a type of its own
//! beside a value in one, and goes to `serialize` in two registers; an error stands
//! apart from the value in whose stead it is returned.
//!
//! **What is not believed.** A shape is at most `MOST_STEPS` steps long and a tree that ends; its items
//! take a byte at least, and as many as are announced must be there. So a run asks for no memory and
//! no time that its bytes do not pay for. `bool` and `char` are checked as everywhere.
//!
//! Measured, of twenty thousand in one process, for each: structs of three `f32` 0.6 ns to write and 2.0 to read
//! (2.5 and 4.9 at first), tuples of `f64` and `u32` 0.6 and 1.7. The whole way of a million of those structs to a
//! warm worker: 4.0 ms, where it was 14, and no page is entered for the first time on either side. Of that,
//! 1.8 ms go into four copies of 12 MB, which a `Vec<f32>` of the same length takes, too.
//!
//! Reading does not take notes likewise. With eight steps in a number that was compared when an item
//! ended, a struct of three `f32` took 1.3 ns to read, but one with structs inside 12 where it took 9, and
//! `[[f32; 4]; 4]` 54 where it took 10. With that only for items without others inside, in the same loop as the
//! other way, the first took 1.7 to 2.0: the values no longer stayed in registers.

#![allow(
    clippy::inline_always,
    reason = "a step is cheap only where the compiler sees which it is"
)]

mod element;
mod filler;
mod quick;
mod shape;

pub(super) use element::Run;
pub(super) use filler::{Place, fill, fill_by_text, learn};
pub(super) use shape::{LARGEST, Shape, read_count, step, width};
