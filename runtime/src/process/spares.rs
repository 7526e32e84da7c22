use std::sync::atomic::{AtomicUsize, Ordering};

/// How many clones are kept waiting.
static SPARES: AtomicUsize = AtomicUsize::new(1);

/// Sets how many idle processes the fork server keeps ready, so that starting a worker need not
/// wait for a clone. The default is 1; 0 turns it off.
///
/// An idle process costs no time and little memory. More than one helps a program that starts
/// several workers at once; a program that starts few may save the one. The calls that follow
/// start missing processes and end surplus ones.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// multiproc::set_spare_processes(4); // for the processes that are started together
/// let processes = [1, 2, 3, 4].map(square::spawn);
/// for process in processes {
///     process?.join()?;
/// }
/// # Ok(())
/// # }
/// ```
pub fn set_spare_processes(count: usize) {
    SPARES.store(count, Ordering::Relaxed);
}

/// How many clones are to be kept waiting.
pub(super) fn wanted() -> usize {
    SPARES.load(Ordering::Relaxed)
}
