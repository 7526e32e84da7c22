//! What ends once, and can be waited for with others of its kind.

use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::task::Waker;

use crate::sys::copy::Home;

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

/// Wakers that listen for ends, as long as this is there: they do not stay with what outlasts it.
pub(crate) struct Listening {
    to: Vec<(Arc<dyn Ending>, Waker)>,
    home: Home,
}

impl Listening {
    pub(crate) fn new() -> Listening {
        Listening {
            to: Vec::new(),
            home: Home::here(),
        }
    }

    /// Has a listener woken at an end: at once, if that has come.
    pub(crate) fn listen(&mut self, ending: Arc<dyn Ending>, listener: Waker) {
        ending.listen(listener.clone());
        self.to.push((ending, listener));
    }

    /// Whether this process is the one that listens, and not a copy of it.
    pub(crate) fn is_here(&self) -> bool {
        self.home.is_here()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if self.is_here() {
            for (ending, listener) in &self.to {
                ending.forget(listener);
            }
        }
    }
}
