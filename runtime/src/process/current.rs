use std::sync::{Mutex, OnceLock, PoisonError};

static CURRENT: OnceLock<Current> = OnceLock::new();

/// A child's knowledge of itself. See [`current`].
#[derive(Debug)]
pub struct Current {
    name: String,
    /// In a pool it changes with each task.
    worker: Mutex<&'static str>,
    parent: u32,
}

impl Current {
    /// The name of this process.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name of the worker that this process runs. In a process of a
    /// [`Pool`](crate::Pool), that of its task; empty before the first.
    #[must_use]
    pub fn worker(&self) -> &str {
        *self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process id of the parent.
    #[must_use]
    pub fn parent_id(&self) -> u32 {
        self.parent
    }

    pub(super) fn set(name: String, worker: &'static str, parent: u32) {
        // A process has one name all its life; it is set once, before any code of the user's.
        let _ = CURRENT.set(Current {
            name,
            worker: Mutex::new(worker),
            parent,
        });
    }

    /// Changes the worker that this process runs.
    pub(crate) fn set_worker(worker: &'static str) {
        if let Some(current) = CURRENT.get() {
            *current
                .worker
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = worker;
        }
    }
}

/// This process as a child, or `None` in the main process.
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
