//! What a map is given to work on.

/// The inputs of a [`map`](crate::Pool::map): anything that can be iterated over and gives values of
/// the type `T`.
///
/// It is implemented for every [`IntoIterator`], and there for the sake of the compiler's message: if
/// the inputs are not what the function takes, it says what to write.
///
/// # Examples
///
/// ```
/// use multiproc::{Call, Inputs, Pool, worker};
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// fn sum_of_squares(numbers: impl Inputs<u64>) -> multiproc::Result<u64> {
///     Pool::builder().workers(2).build()?.map(square::call, numbers).sum()
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// assert_eq!(sum_of_squares(vec![3, 4])?, 25);
/// assert_eq!(sum_of_squares(1..=3)?, 14);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not give `{T}`, which the function takes",
    label = "the function does not take these inputs",
    note = "a worker `f` that borrows its argument takes `pool.map(|x| f::call(x), &xs)`",
    note = "one that owns it takes `pool.map(f::call, xs)`, or `pool.map(|x| f::call(x.clone()), &xs)`"
)]
pub trait Inputs<T> {
    /// The iterator over the inputs.
    type Iter: Iterator<Item = T>;

    #[doc(hidden)]
    fn into_inputs(self) -> Self::Iter;
}

#[diagnostic::do_not_recommend]
impl<T, I: IntoIterator<Item = T>> Inputs<T> for I {
    type Iter = I::IntoIter;

    fn into_inputs(self) -> I::IntoIter {
        self.into_iter()
    }
}
