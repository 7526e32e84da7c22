use std::sync::atomic::{AtomicUsize, Ordering};

/// How many clones are kept waiting.
static SPARES: AtomicUsize = AtomicUsize::new(1);

/// Sets how many idle processes the fork server keeps ready, so that starting a worker need not
/// wait for one to be made. The default is 1; 0 turns it off.
///
/// An idle process costs no time and little memory. More than one help programs that start
/// several workers at once; those that start few may save the one. Spares come into being with
/// the calls that follow, and those that are too many are let go then.
///
/// # Examples
///
/// ```
/// multiproc::set_spare_processes(0);
/// ```
pub fn set_spare_processes(count: usize) {
    SPARES.store(count, Ordering::Relaxed);
}

/// How many clones are to be kept waiting.
pub(super) fn wanted() -> usize {
    SPARES.load(Ordering::Relaxed)
}
