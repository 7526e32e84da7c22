use std::sync::{Mutex, OnceLock};

use crate::lock::lock;

static CURRENT: OnceLock<Current> = OnceLock::new();

/// The name, the worker and the parent of this process. Returned by [`current`].
///
/// # Examples
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn describe() -> (String, String) {
///     let current = multiproc::current().unwrap();
///     (current.name().to_owned(), current.worker().to_owned())
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let names = describe::call().name("Alice").run()?;
/// assert_eq!(names, ("Alice".to_owned(), "describe".to_owned()));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Current {
    name: String,
    /// In a pool it changes with each task.
    worker: Mutex<&'static str>,
    parent: u32,
    worker_index: Option<usize>,
}

impl Current {
    /// Returns the name of this process.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name of the worker that this process runs.
    ///
    /// In a process of a [`Pool`](crate::Pool), that is the worker of its task; the name is empty
    /// before the first.
    #[must_use]
    pub fn worker(&self) -> &str {
        *lock(&self.worker)
    }

    /// Returns the process id of the parent.
    #[must_use]
    pub fn parent_id(&self) -> u32 {
        self.parent
    }

    /// Returns the index of this process among the workers of its [`Pool`](crate::Pool), and `None` if
    /// it does not belong to a pool.
    ///
    /// The indices of a pool with `n` workers are `0..n`. No two workers that run tasks have the same
    /// one, and a worker that replaces another one inherits its index. When a pool is
    /// [resized](crate::Pool::resize) to fewer, workers with larger ones end after their task.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn index() -> Option<usize> {
    ///     multiproc::current().unwrap().worker_index()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(2).build()?;
    /// assert!(pool.submit(index::call()).wait()?.unwrap() < 2);
    /// assert_eq!(index::run()?, None);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn worker_index(&self) -> Option<usize> {
        self.worker_index
    }

    pub(super) fn set(
        name: String,
        worker: &'static str,
        parent: u32,
        worker_index: Option<usize>,
    ) {
        // A process has one name all its life; it is set once, before any user code runs.
        let _ = CURRENT.set(Current {
            name,
            worker: Mutex::new(worker),
            parent,
            worker_index,
        });
    }

    /// Changes the worker that this process runs.
    pub(crate) fn set_worker(worker: &'static str) {
        if let Some(current) = CURRENT.get() {
            *lock(&current.worker) = worker;
        }
    }
}

/// Returns information on this process if it is a child, and `None` in the main process.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn introduce_yourself() -> String {
///     let current = multiproc::current().expect("a worker runs in a child");
///     format!("{}, child of {}", current.name(), current.parent_id())
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// assert!(multiproc::current().is_none());
/// let text = introduce_yourself::call().name("Alice").run()?;
/// assert_eq!(text, format!("Alice, child of {}", std::process::id()));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn current() -> Option<&'static Current> {
    CURRENT.get()
}
