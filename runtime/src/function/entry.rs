//! The entry of functions that are values: one for each type of argument and of result.

use std::panic::Location;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{self, Serialize, Serializer};

use crate::dispatch::{Argument, Entry, Failure, Job, named_after, owned};
use crate::payload::Payload;
use crate::sys::function::Distance;

/// The entry of functions of this type, under the name of the place where one is called.
pub(super) fn entry<A: Payload, R: Payload>(place: &Location<'static>) -> &'static Entry {
    let entry = const {
        let (module, file, line) = (module_path!(), file!(), line!());
        &Entry::new("function", module, file, line, dispatch::<A, R>)
    };
    named_after(entry, place)
}

/// What stands before the argument: which function it is for.
pub(super) fn argument<A: 'static, R: 'static>(function: fn(A) -> R) -> Argument<'static> {
    owned().own(Sent(function))
}

/// Whether another process can find the function.
pub(super) fn is_found<A, R>(function: fn(A) -> R) -> bool {
    Distance::of(function).is_some()
}

fn dispatch<A: Payload, R: Payload>(job: &mut Job<'_>) -> Result<(), Failure> {
    // Its type is right: the caller has named this entry because its function has this type.
    let Sent::<A, R>(function) = job.argument(&owned())?;
    let argument = job.argument(&A::owned())?;
    job.begin()?;
    let value = function(argument);
    job.reply(&R::result(), &value)
}

/// A function on its way to a process of the same image.
struct Sent<A, R>(fn(A) -> R);

impl<A, R> Serialize for Sent<A, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let distance = Distance::of(self.0);
        let distance = distance.ok_or_else(|| ser::Error::custom("it is not the program's"))?;
        distance.serialize(serializer)
    }
}

impl<'de, A, R> Deserialize<'de> for Sent<A, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let function = Distance::deserialize(deserializer)?.find();
        let function = function.ok_or_else(|| de::Error::custom("no function is at its place"))?;
        Ok(Sent(function))
    }
}
