//! Pages to read: no code, only documentation.
//!
//! The [front page](crate) is a tutorial. These pages are for those who come with a question:
//!
//! | page | question |
//! |---|---|
//! | [`from_python`] | I know `multiprocessing` and `concurrent.futures`: what is it called here, and what is different? |
//! | [`processes_or_threads`] | Is it processes that I need? What do they cost? |
//! | [`how_it_works`] | What happens between `spawn` and `join`? What can I rely on? |

pub mod from_python;
pub mod how_it_works;
pub mod processes_or_threads;
