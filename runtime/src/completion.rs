//! What ends once, and can be waited for with others of its kind.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::task::Waker;

/// A task or a process: something that ends once, for which [`wait_any`](crate::wait_any()),
/// [`wait_all`](crate::wait_all()) and [`as_completed`](crate::as_completed()) can wait.
///
/// [`Task`](crate::Task) and [`Process`](crate::Process) implement it, and references and boxes of
/// them. Those of different types are waited for together as `&dyn Completion`.
///
/// The trait cannot be implemented by hand.
///
/// # Examples
///
/// ```
/// use multiproc::{Completion, Pool, wait_all, wait_any, worker};
/// use std::time::Duration;
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// #[worker]
/// fn greet(name: &str) -> String {
///     format!("Hello, {name}!")
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder().workers(1).build()?;
/// let square = pool.submit(square::call(7));
/// let greeting = pool.submit(greet::call("Alice"));
/// let process = greet::spawn("Bob")?;
///
/// let all: [&dyn Completion; 3] = [&square, &greeting, &process];
/// assert!(wait_any(&all, Duration::from_secs(10)).is_some());
/// assert!(wait_all(&all, Duration::from_secs(10)));
/// assert_eq!(square.wait()?, 49);
/// assert_eq!(greeting.wait()?, "Hello, Alice!");
/// assert_eq!(process.join()?, "Hello, Bob!");
/// # Ok(())
/// # }
/// ```
pub trait Completion {
    /// What wakes those who listen; `None`: it has ended.
    #[doc(hidden)]
    fn ending(&self) -> Option<Arc<dyn Ending>>;
}

/// What wakes those who listen for its end.
#[doc(hidden)]
pub trait Ending: fmt::Debug + Send + Sync + UnwindSafe + RefUnwindSafe {
    /// Wakes `listener` at the end: at once, if that has come.
    fn listen(&self, listener: Waker);

    /// Wakes a listener no more.
    fn forget(&self, listener: &Waker);
}

impl<C: Completion + ?Sized> Completion for &C {
    fn ending(&self) -> Option<Arc<dyn Ending>> {
        (**self).ending()
    }
}

impl<C: Completion + ?Sized> Completion for Box<C> {
    fn ending(&self) -> Option<Arc<dyn Ending>> {
        (**self).ending()
    }
}
