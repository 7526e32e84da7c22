use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::raw::{self, Passed};
use crate::shm::{CellHandle, pass_on_cell_handle};
use crate::sys::deadline;

/// A place where a number of threads, of any processes, wait for each other.
///
/// When as many are there as it has parties, all go on, and the next round begins. It **breaks**
/// when one that waits dies, gives up after a timeout, or calls [`abort`](Barrier::abort): all who
/// wait get [`BrokenBarrier`], as does everybody who comes later, until [`reset`](Barrier::reset).
///
/// # Examples
///
/// ```
/// use multiproc::sync::Barrier;
/// use multiproc::worker;
///
/// #[worker]
/// fn simulate(step: Barrier) -> u32 {
///     (0..3)
///         .filter(|_| {
///             // A step of the simulation, then:
///             step.wait().is_ok_and(|passed| passed.is_leader())
///         })
///         .count() as u32
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let step = Barrier::new(2)?;
/// let workers = [simulate::spawn(step.clone())?, simulate::spawn(step)?];
/// let mut led = 0;
/// for worker in workers {
///     led += worker.join()?;
/// }
/// assert_eq!(led, 3); // each step was led by one of the two
/// # Ok(())
/// # }
/// ```
pub struct Barrier(CellHandle<raw::Barrier, ()>);

impl Barrier {
    /// A barrier for this many parties.
    ///
    /// # Errors
    ///
    /// No parties, or more than fit into 32 bits, are
    /// [`InvalidInput`](io::ErrorKind::InvalidInput). There is no room in shared memory, or no
    /// descriptor left.
    pub fn new(parties: usize) -> io::Result<Barrier> {
        let parties = u32::try_from(parties)
            .ok()
            .filter(|parties| *parties > 0)
            .ok_or_else(|| {
                io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "a barrier has at least one party, and at most as many as fit into 32 bits",
                )
            })?;
        let cell: CellHandle<raw::Barrier, ()> = CellHandle::new(())?;
        cell.machine().set_parties(parties);
        Ok(Barrier(cell))
    }

    /// Waits for the others.
    ///
    /// # Errors
    ///
    /// The barrier is broken, or was [reset](Barrier::reset) during the wait.
    pub fn wait(&self) -> Result<BarrierWaitResult, BrokenBarrier> {
        result(self.0.machine().wait_until(self.0.holders(), None))
    }

    /// Waits for the others no longer than `timeout`, after which the barrier is broken.
    ///
    /// # Errors
    ///
    /// As [`wait`](Barrier::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Result<BarrierWaitResult, BrokenBarrier> {
        let deadline = deadline::after(timeout);
        result(self.0.machine().wait_until(self.0.holders(), deadline))
    }

    /// Breaks the barrier.
    pub fn abort(&self) {
        self.0.machine().abort(self.0.holders());
    }

    /// Begins a new round on a barrier that is whole. Those who wait get [`BrokenBarrier`].
    pub fn reset(&self) {
        self.0.machine().reset(self.0.holders());
    }

    /// Whether the barrier is broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.0.machine().is_broken(self.0.holders())
    }

    /// How many wait for each other here; 0 if a process wrote over that, and the barrier is broken
    /// for ever (see [the module](super#caveats)).
    #[must_use]
    pub fn parties(&self) -> usize {
        self.0.machine().parties().unwrap_or(0) as usize
    }
}

fn result(passed: Passed) -> Result<BarrierWaitResult, BrokenBarrier> {
    match passed {
        Passed::Leader => Ok(BarrierWaitResult { is_leader: true }),
        Passed::Follower => Ok(BarrierWaitResult { is_leader: false }),
        Passed::Broken => Err(BrokenBarrier(())),
    }
}

/// That all parties have arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarrierWaitResult {
    is_leader: bool,
}

impl BarrierWaitResult {
    /// True for one of the parties in each round.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.is_leader
    }
}

/// A barrier that cannot be passed: a waiting party died or gave up, or somebody aborted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokenBarrier(());

impl fmt::Display for BrokenBarrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the barrier is broken")
    }
}

impl Error for BrokenBarrier {}

pass_on_cell_handle!(Barrier);

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier")
            .field("parties", &self.parties())
            .finish_non_exhaustive()
    }
}
