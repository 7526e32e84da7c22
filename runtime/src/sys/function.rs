//! How one process names a function of the program to another.
//!
//! Both run the same image, so a function is at the same distance from its beginning. That means
//! something in the same image only, which is compared first.

#![expect(
    unsafe_code,
    reason = "what another process of the same image names by distance is taken at its word"
)]

use serde::{Deserialize, Serialize};

use super::image::{self, ImageId};

/// A function without arguments, in words that another process of this program understands.
#[expect(
    clippy::unsafe_derive_deserialize,
    reason = "what it names is checked when it is looked for, not when it is read"
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Function(ImageId, u64);

impl Function {
    /// `None` if the function is not the program's.
    pub(crate) fn new(function: fn()) -> Option<Function> {
        Some(Function(
            image::identity()?,
            image::distance(function as *const ())?,
        ))
    }

    /// The function, if this process runs the same image.
    pub(crate) fn find(&self) -> Option<fn()> {
        let address = image::find(&self.0, self.1)?;
        // SAFETY: the parent runs this image and made the distance from a function of this type,
        // so the function is at this distance here too.
        Some(unsafe { std::mem::transmute::<*const (), fn()>(address) })
    }
}
