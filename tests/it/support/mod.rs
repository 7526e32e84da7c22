//! What the tests have in common.

mod apart;
mod check;
mod filter;
mod methods;
mod system;

pub(crate) use apart::run_apart;
pub(crate) use check::{check, fails, returns};
pub(crate) use filter::filter_system_call;
pub(crate) use methods::cases;
pub(crate) use system::{Pidfd, Running, children, descriptors, program, threads, with_method};

use multiproc::worker;

/// A worker that does nothing until it is killed.
#[worker]
pub(crate) fn wait_for_ever() {
    loop {
        std::thread::park();
    }
}
