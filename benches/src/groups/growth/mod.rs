//! How costs grow: with the children that are alive, the workers of a pool, the producers of a queue, and the
//! tasks that wait.

mod children;
mod producers;
mod queued;
mod workers;

use crate::bench::Bench;
use crate::measure::Failable;

pub(crate) fn run(bench: &mut Bench) -> Failable {
    children::run(bench);
    workers::run(bench)?;
    producers::run(bench)?;
    queued::run(bench);
    Ok(())
}
