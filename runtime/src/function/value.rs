//! Functions as values.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::call::call;
use crate::codec::Error;
use crate::codec::handle::{self, HandleKind, Identity};
use crate::payload::Payload;
use crate::process::Call;
use crate::sys::function::Distance;

/// A function that can be sent: an argument, a result, an item of a channel or queue, or a field of one.
///
/// It is made of any function of the program, or of a closure that captures nothing. The receiver, a
/// process of this program, [calls](Function::call) it, or has another process [do so](Function::bind).
/// It is small, and can be copied; functions of different origin can have the same type, and stand in one
/// list or map.
///
/// To serde it is opaque, like all handles: it can only be serialized into a message to another process.
/// So a value of this type is always a function of this program, of this type.
///
/// # Errors
///
/// A function of a library that was loaded cannot be sent, since the receiver may not have it: an argument
/// or result with one is an [`Encode`](crate::ErrorKind::Encode) error. It can be called here.
///
/// # Examples
///
/// ```
/// use multiproc::{Function, Pool, worker};
///
/// #[worker]
/// fn apply(steps: Vec<Function<f64, f64>>, start: f64) -> f64 {
///     steps.into_iter().fold(start, |value, step| step.call(value))
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let offset = Function::new(|x| x + 1.0);
/// let root = Function::new(f64::sqrt);
/// assert_eq!(apply::run(vec![offset, root], 8.0)?, 3.0);
///
/// let pool = Pool::builder().workers(2).build()?;
/// let roots = pool.map(|x| root.bind(x), [1.0, 4.0, 9.0]);
/// assert_eq!(roots.collect::<multiproc::Result<Vec<_>>>()?, [1.0, 2.0, 3.0]);
/// # Ok(())
/// # }
/// ```
///
/// A worker can return one:
///
/// ```
/// use multiproc::Function;
///
/// # fn main() -> multiproc::Result<()> {
/// let name = String::from("cube");
/// let function: Function<u64, u64> = multiproc::run(name, |name| match &*name {
///     "square" => Function::new(|x| x * x),
///     _ => Function::new(|x| x * x * x),
/// })?;
/// assert_eq!(function.call(2), 8);
/// assert_eq!(function.bind(3).run()?, 27);
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// Two values are equal if they are at one address. As with function pointers
/// ([`fn_addr_eq`](std::ptr::fn_addr_eq)), one function can have several, if it is compiled several times;
/// and different functions that do the same can have been merged into one.
pub struct Function<A, R>(fn(A) -> R);

impl<A, R> Function<A, R> {
    /// Makes a value of a function, or of a closure that captures nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::Function;
    /// use std::collections::BTreeMap;
    ///
    /// let functions = BTreeMap::from([
    ///     ("length", Function::new(|text: String| text.len())),
    ///     ("words", Function::new(|text: String| text.split(' ').count())),
    /// ]);
    /// assert_eq!(functions["words"].call("one two".to_owned()), 2);
    /// ```
    // rustc shows this line when a closure captures something.
    #[rustfmt::skip]
    #[must_use]
    pub const fn new( // `function` captures nothing: what it needs is its argument
        function: fn(A) -> R,
    ) -> Function<A, R> {
        Function(function)
    }

    /// Calls the function here, in this process.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::Function;
    ///
    /// let double = Function::new(|x: u32| x * 2);
    /// assert_eq!(double.call(7), 14);
    /// ```
    pub fn call(self, argument: A) -> R {
        (self.0)(argument)
    }

    /// Binds the function to an argument, to be called in another process. Starts nothing yet.
    ///
    /// This is [`multiproc::call`](call()), for the function that this is.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::Function;
    /// use std::time::Duration;
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let double = Function::new(|x: u32| x * 2);
    /// assert_eq!(double.bind(7).timeout(Duration::from_secs(10)).run()?, 14);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn bind(self, argument: A) -> Call<'static, R>
    where
        A: Payload,
        R: Payload,
    {
        call(argument, self.0)
    }

    fn address(self) -> usize {
        (self.0 as *const ()).addr()
    }
}

fn identity<A: 'static, R: 'static>() -> Identity {
    Identity::new::<fn(A) -> R>(HandleKind::Function)
}

/// Into a message only.
impl<A: 'static, R: 'static> Serialize for Function<A, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handle::serialize(serializer, identity::<A, R>(), |parts| {
            let distance = Distance::of(self.0).ok_or_else(|| {
                Error::new("a function is part of a shared library, which another process of the program may not have")
            })?;
            parts.numbers.push(distance.number());
            Ok(())
        })
    }
}

/// From a message only. All that send one run the same image, and its identity has its type.
impl<'de, A: 'static, R: 'static> Deserialize<'de> for Function<A, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Function<A, R>, D::Error> {
        handle::deserialize(deserializer, identity::<A, R>(), |parts| {
            let ([number], []) = parts.exactly()?;
            let function = Distance::from_number(number).find();
            function.map(Function).ok_or_else(Error::damaged_handle)
        })
    }
}

impl<A, R> From<fn(A) -> R> for Function<A, R> {
    fn from(function: fn(A) -> R) -> Function<A, R> {
        Function::new(function)
    }
}

impl<A, R> Clone for Function<A, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A, R> Copy for Function<A, R> {}

impl<A, R> PartialEq for Function<A, R> {
    fn eq(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl<A, R> Eq for Function<A, R> {}

impl<A, R> Hash for Function<A, R> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

impl<A, R> fmt::Debug for Function<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Function").field(&self.0).finish()
    }
}
