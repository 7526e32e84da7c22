use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use crate::raw::{self, Passed};
use crate::shm::{CellHandle, pass_on_cell_handle};
use crate::sys::deadline;

/// A point where a fixed number of threads, in any processes, wait for each other.
///
/// When that many parties have arrived, all of them go on, and the next round begins. The barrier
/// **breaks** when a waiting party dies, gives up after a timeout, or calls
/// [`abort`](Barrier::abort). All waiting parties then get [`BrokenBarrier`], and so do later ones,
/// until [`reset`](Barrier::reset).
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
    /// Creates a barrier for this many parties.
    ///
    /// # Errors
    ///
    /// Zero parties, or more than fit into 32 bits, are
    /// [`InvalidInput`](io::ErrorKind::InvalidInput). Other errors mean that there is no room in
    /// shared memory, or no descriptor left.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::Barrier;
    ///
    /// let barrier = Barrier::new(3)?;
    /// assert_eq!(barrier.parties(), 3);
    /// assert!(Barrier::new(0).is_err());
    /// # std::io::Result::Ok(())
    /// ```
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

    /// Waits until all parties have arrived.
    ///
    /// # Errors
    ///
    /// The barrier is broken, or was [reset](Barrier::reset) during the wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::Barrier;
    ///
    /// let barrier = Barrier::new(2)?;
    /// let other = barrier.clone();
    /// let thread = std::thread::spawn(move || other.wait().unwrap().is_leader());
    /// let leads = barrier.wait().unwrap().is_leader();
    /// assert_ne!(leads, thread.join().unwrap()); // one of the two leads
    /// # std::io::Result::Ok(())
    /// ```
    pub fn wait(&self) -> Result<BarrierWaitResult, BrokenBarrier> {
        result(self.0.machine().wait_until(self.0.holders(), None))
    }

    /// Waits until all parties have arrived, but not longer than `timeout`, after which the barrier
    /// is broken.
    ///
    /// # Errors
    ///
    /// As [`wait`](Barrier::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::Barrier;
    /// use std::time::Duration;
    ///
    /// let barrier = Barrier::new(2)?;
    /// assert!(barrier.wait_timeout(Duration::from_millis(1)).is_err()); // the other never came
    /// assert!(barrier.is_broken());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn wait_timeout(&self, timeout: Duration) -> Result<BarrierWaitResult, BrokenBarrier> {
        let deadline = deadline::after(timeout);
        result(self.0.machine().wait_until(self.0.holders(), deadline))
    }

    /// Breaks the barrier.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::Barrier;
    ///
    /// let barrier = Barrier::new(2)?;
    /// let other = barrier.clone();
    /// let thread = std::thread::spawn(move || other.wait());
    /// barrier.abort(); // there is nothing left to do
    /// assert!(thread.join().unwrap().is_err());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn abort(&self) {
        self.0.machine().abort(self.0.holders());
    }

    /// Begins a new round on a barrier that is not broken. Waiting parties get [`BrokenBarrier`].
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::Barrier;
    ///
    /// let barrier = Barrier::new(1)?;
    /// barrier.abort();
    /// assert!(barrier.wait().is_err());
    /// barrier.reset();
    /// assert!(barrier.wait().is_ok());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn reset(&self) {
        self.0.machine().reset(self.0.holders());
    }

    /// Returns `true` if the barrier is broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.0.machine().is_broken(self.0.holders())
    }

    /// Returns the number of parties.
    ///
    /// It is 0 if a process wrote over that number, and the barrier is then broken for good (see
    /// [the module](super#caveats)).
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

/// Returned by [`Barrier::wait`] when all parties have arrived.
///
/// # Examples
///
/// ```
/// use multiproc::sync::Barrier;
///
/// let barrier = Barrier::new(1)?;
/// let passed = barrier.wait().unwrap();
/// assert!(passed.is_leader()); // as the only party
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarrierWaitResult {
    is_leader: bool,
}

impl BarrierWaitResult {
    /// Returns `true` for exactly one of the parties in each round.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.is_leader
    }
}

/// The error of waiting at a barrier that cannot be passed.
///
/// A waiting party died or gave up, or a process called [`Barrier::abort`].
///
/// # Examples
///
/// ```
/// use multiproc::sync::Barrier;
///
/// let barrier = Barrier::new(2)?;
/// barrier.abort();
/// let error = barrier.wait().unwrap_err();
/// assert_eq!(error.to_string(), "the barrier is broken");
/// # std::io::Result::Ok(())
/// ```
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
