//! Logs of workers, in the logger of the program.
//!
//! A worker runs in a process of its own, which has no logger: that was set up in `main`, which does
//! not run there. A [`startup`](macro@crate::startup) function can set one up that passes on what is
//! logged to the program that has started the worker:
//!
#![cfg_attr(feature = "log", doc = "```standalone_crate")]
#![cfg_attr(not(feature = "log"), doc = "```ignore")]
//! use multiproc::worker;
//!
//! #[multiproc::startup]
//! fn start_logging() {
//!     multiproc::logging::forward();
//! }
//!
//! #[worker]
//! fn decode(bytes: &[u8]) -> usize {
//!     log::info!("decoding {} bytes", bytes.len());
//!     bytes.len()
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! // In `main`, as ever:
//! env_logger::init();
//! decode::run(b"abc")?;
//! # Ok(())
//! # }
//! ```
//!
//! For spans and events of `tracing`, there is a layer. The [guide](crate::guide::logging) has more.

#[cfg(feature = "log")]
mod forward;
#[cfg(feature = "tracing")]
mod layer;

#[cfg(feature = "log")]
#[cfg_attr(docsrs, doc(cfg(feature = "log")))]
pub use forward::forward;
#[cfg(feature = "tracing")]
#[cfg_attr(docsrs, doc(cfg(feature = "tracing")))]
pub use layer::layer;
