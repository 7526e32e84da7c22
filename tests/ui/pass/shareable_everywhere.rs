//! Every shape of type, generic too, under the strictest lints.

#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, clippy::pedantic)]

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use multiproc::Shareable;
use multiproc::shm::Shared;
use multiproc::sync::{Mutex, RwLock};

/// Nothing.
#[derive(Clone, Copy, Debug, PartialEq, Shareable)]
pub struct Unit;

/// Unnamed fields.
#[derive(Clone, Copy, Debug, PartialEq, Shareable)]
pub struct Pair<A, B>(A, B);

/// Named fields, all that is known to be shareable.
#[derive(Debug, Shareable)]
pub struct Named<T, const N: usize>
where
    T: Copy,
{
    list: [Option<T>; N],
    count: AtomicU64,
    rest: (char, bool, f32, i128, Duration, Result<u8, ()>),
}

/// Variants of every shape.
#[derive(Clone, Copy, Debug, PartialEq, Shareable)]
pub enum Shape {
    /// Without content.
    Empty,
    /// Unnamed.
    Circle(f64),
    /// Named.
    Line {
        /// From.
        from: Pair<i32, i32>,
        /// To.
        to: (i32, i32),
    },
}

/// Without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Shareable)]
#[repr(C, packed)]
pub struct Packed {
    flag: bool,
    number: u32,
}

/// Names only.
#[derive(Clone, Copy, Debug, PartialEq, Shareable)]
pub enum Name {
    /// Not 0.
    First = 3,
    /// 4.
    Second,
}

#[test]
fn it_runs() {
    let shape = Mutex::new(Shape::Empty).unwrap();
    *shape.lock().unwrap() = Shape::Line {
        from: Pair(1, 2),
        to: (3, 4),
    };
    assert_ne!(*shape.lock().unwrap(), Shape::Circle(1.0));
    let pair = RwLock::new(Pair(Unit, [Some(1_u8); 3])).unwrap();
    assert_eq!(pair.read().unwrap().0, Unit);
    let packed = Mutex::new((
        Packed {
            flag: true,
            number: 1,
        },
        Name::First,
    ))
    .unwrap();
    packed.lock().unwrap().1 = Name::Second;
    assert_eq!(
        packed.lock().unwrap().0,
        Packed {
            flag: true,
            number: 1
        }
    );
    let named = Shared::new(Named::<u16, 2> {
        list: [None, Some(1)],
        count: AtomicU64::new(7),
        rest: ('a', true, 0.5, 1, Duration::ZERO, Ok(1)),
    });
    let named = named.unwrap();
    assert_eq!(named.list[1], Some(1));
    assert_eq!(named.count.load(std::sync::atomic::Ordering::Relaxed), 7);
    assert_eq!(named.rest.0, 'a');
}
