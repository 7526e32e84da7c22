//! Programs and their children, watched while they live and while they die.
//!
//! Each test runs in a process of its own with a deadline, see [`support`]: what hangs is killed
//! and told, and what a test leaves behind fails it. Those that concern the life of a process run
//! once per start method.

mod support;

mod auto_traits;
mod builder;
mod capture;
mod crashes;
mod crowd;
mod deeds;
mod descendants;
mod ends;
mod errors;
mod family;
mod function_values;
mod functions;
mod futures;
mod handle;
mod hangs;
mod images;
mod inheritance;
mod late;
mod leaks;
mod libtest;
mod limits;
mod memory;
mod midway;
mod nesting;
mod panics;
mod resting;
mod scarcity;
mod sick;
mod signals;
mod sizes;
mod stderr_tail;
mod stopping;
mod values;
