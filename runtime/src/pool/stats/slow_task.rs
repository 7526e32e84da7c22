use std::time::Duration;

/// A task that took long. Returned by [`PoolStats::slowest`](super::PoolStats::slowest).
///
/// # Examples
///
/// ```
/// # use multiproc::{Pool, worker};
/// # #[worker]
/// # fn square(x: u64) -> u64 {
/// #     x * x
/// # }
/// # fn main() -> multiproc::Result<()> {
/// # let pool = Pool::builder().workers(2).build()?;
/// pool.submit(square::call(3)).wait()?;
/// for task in pool.stats().slowest() {
///     println!("{} took {:?} in process {}", task.worker(), task.time(), task.process_id());
/// }
/// # assert_eq!(pool.stats().slowest()[0].worker(), "square");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowTask {
    pub(super) worker: &'static str,
    pub(super) process: u32,
    pub(super) time: Duration,
}

impl SlowTask {
    /// Returns the name of the worker function.
    #[must_use]
    pub fn worker(&self) -> &str {
        self.worker
    }

    /// Returns the id of the process that ran the task.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process
    }

    /// Returns how long the task ran.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.time
    }
}

/// How many are remembered.
const MOST: usize = 5;

/// The slowest of all tasks so far, slowest first.
#[derive(Debug, Clone, Default)]
pub(super) struct SlowestTasks(Vec<SlowTask>);

impl SlowestTasks {
    pub(super) fn add(&mut self, task: SlowTask) {
        let place = self.0.partition_point(|other| other.time >= task.time);
        if place < MOST {
            self.0.truncate(MOST - 1);
            self.0.insert(place, task);
        }
    }

    pub(super) fn get(&self) -> &[SlowTask] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_are_remembered_and_of_equals_the_first() {
        let mut slowest = SlowestTasks::default();
        for (process, time) in [
            (0, 3),
            (1, 9),
            (2, 3),
            (3, 1),
            (4, 5),
            (5, 3),
            (6, 9),
            (7, 2),
        ] {
            slowest.add(SlowTask {
                worker: "doze",
                process,
                time: Duration::from_secs(time),
            });
        }
        let ids: Vec<_> = slowest.get().iter().map(SlowTask::process_id).collect();
        assert_eq!(ids, [1, 6, 4, 0, 2]);
    }
}
