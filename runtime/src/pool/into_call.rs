//! What a pool is given to run.

use crate::process::Call;

/// A worker with its arguments: a [`Call`].
///
/// [`Pool::submit`](crate::Pool::submit) takes one, and the function that is given to
/// [`Pool::map`](crate::Pool::map) makes one of each input. Only [`Call`] implements the trait, and it
/// cannot be implemented by hand. It is there for the sake of the compiler's message: where something
/// else stands, such as the function itself, that says what to write.
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
    message = "a pool runs calls of workers, and `{Self}` is none",
    label = "the call of a worker is missing here",
    note = "the work has to be a function with `#[worker]`; for a worker `f`, submit `f::call(x)`",
    note = "in a map write `f::call` instead of `f` for a worker with one parameter that owns its input, `|x| f::call(x)` for one that borrows it, and `|(a, b)| f::call(a, b)` for one with more"
)]
pub trait IntoCall<'c> {
    /// What the worker returns.
    type Output;

    /// Returns the call.
    #[doc(hidden)]
    fn into_call(self) -> Call<'c, Self::Output>;
}

#[diagnostic::do_not_recommend]
impl<'c, R> IntoCall<'c> for Call<'c, R> {
    type Output = R;

    fn into_call(self) -> Call<'c, R> {
        self
    }
}
