//! Pages to read, without code.
//!
//! The [front page](crate) is a tutorial. Each of these pages answers a question:
//!
//! | page | question |
//! |---|---|
//! | [`from_python`] | I know `multiprocessing` and `concurrent.futures`: what are their parts called here, and what is different? |
//! | [`processes_or_threads`] | Do I need processes? What do they cost? |
//! | [`closures`] | How do I call a closure in a process, or send a function to one? |
//! | [`objects`] | How does an object live in a process of its own, and who can use it? |
//! | [`back_pressure`] | What if tasks come faster than they are done? |
//! | [`stopping`] | How do I end what runs: gently, at once, with the program, by Ctrl-C? |
//! | [`isolated_tests`] | How do I give a test a process, and test that something crashes? |
//! | [`logging`] | Where do the logs of workers go, and how do they get to those of the program? |
//! | [`how_it_works`] | What happens between `spawn` and `join`? What can I rely on? |

pub mod back_pressure;
pub mod closures;
pub mod from_python;
pub mod how_it_works;
pub mod isolated_tests;
pub mod logging;
pub mod objects;
pub mod processes_or_threads;
pub mod stopping;
