//! What a function makes that a map is given.

use crate::process::Call;

/// A value that is a [`Call`], which is what the function makes that is given to
/// [`Pool::map`](crate::Pool::map).
///
/// Only [`Call`] implements it, and the trait cannot be implemented by hand.
///
/// # Examples
///
/// In code that is generic over the function:
///
/// ```
/// use multiproc::{IntoCall, Pool, worker};
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// fn sum<'c, C, F>(pool: &Pool, bind: F, inputs: &[u64]) -> multiproc::Result<u64>
/// where
///     C: IntoCall<'c, Output = u64>,
///     F: FnMut(u64) -> C,
/// {
///     pool.map(bind, inputs.iter().copied()).sum()
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder().workers(1).build()?;
/// assert_eq!(sum(&pool, square::call, &[3, 4])?, 25);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "a pool runs workers, and this function is none: it returns `{Self}`",
    label = "this function does not make a `Call`",
    note = "the work has to be a function with `#[worker]`; for a worker `f` with one parameter write `f::call` instead of `f`, for one with more `|(a, b)| f::call(a, b)`, and `|x| f::call(x)` for one that borrows from its input"
)]
pub trait IntoCall<'c> {
    /// What the worker returns.
    type Output;

    /// Returns the call.
    #[doc(hidden)]
    fn into_call(self) -> Call<'c, Self::Output>;

    /// Returns the call, which stays where it is: of a million, to move each takes longer than it seems.
    #[doc(hidden)]
    fn as_call(&self) -> &Call<'c, Self::Output>;
}

impl<'c, R> IntoCall<'c> for Call<'c, R> {
    type Output = R;

    fn into_call(self) -> Call<'c, R> {
        self
    }

    #[inline]
    fn as_call(&self) -> &Call<'c, R> {
        self
    }
}
