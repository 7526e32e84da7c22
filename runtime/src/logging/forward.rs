//! The logger of a worker's process.

use log::{LevelFilter, Log, Metadata, Record};

use crate::process::current;
use crate::records::log_record::packet;
use crate::records::outlet;

/// Makes what this process logs through the crate [`log`] arrive at the logger of the program that has
/// started it.
///
/// It is for [`startup`](macro@crate::startup) functions. In a process that is no worker it does
/// nothing, so a function that `main` calls as well can call it.
///
/// Records arrive as they were logged: with target, level, module, file, line and key-values. Behind its
/// own, each has the key-values `worker`, the name of the process, `pid`, and `task`, the function that
/// the process ran.
///
/// The level is that of the parent, [`log::max_level`], when the process is started; in a
/// [`Pool`](crate::Pool), when that starts the worker. A record that it disables costs a comparison. What else
/// the parent's logger filters by, such as targets, it filters when the record has arrived.
///
/// A record that was logged arrives even if the next instruction crashes the process. The logger of the parent
/// has it before the result of the worker is given out, unless it takes long: see
/// [the guide](crate::guide::logging).
///
/// # Panics
///
/// Panics if a logger is set already.
///
/// # Examples
///
/// ```standalone_crate
/// use log::{Level, Log, Metadata, Record};
/// use multiproc::worker;
/// use std::sync::Mutex;
///
/// #[multiproc::startup]
/// fn start_logging() {
///     multiproc::logging::forward();
/// }
///
/// #[worker]
/// fn divide(a: u32, b: u32) -> Option<u32> {
///     if b == 0 {
///         log::warn!("cannot divide {a} by {b}");
///     }
///     a.checked_div(b)
/// }
///
/// /// A logger that keeps what it is told.
/// struct Memory(Mutex<Vec<String>>);
///
/// impl Log for Memory {
///     fn enabled(&self, _: &Metadata<'_>) -> bool {
///         true
///     }
///
///     fn log(&self, record: &Record<'_>) {
///         let worker = record.key_values().get("worker".into()).unwrap();
///         self.0.lock().unwrap().push(format!("{worker}: {}", record.args()));
///     }
///
///     fn flush(&self) {}
/// }
///
/// static LOGGER: Memory = Memory(Mutex::new(Vec::new()));
///
/// # fn main() -> multiproc::Result<()> {
/// log::set_logger(&LOGGER).unwrap();
/// log::set_max_level(Level::Warn.to_level_filter());
/// assert_eq!(divide::run(1, 0)?, None);
/// assert_eq!(*LOGGER.0.lock().unwrap(), ["divide: cannot divide 1 by 0"]);
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// * A copy of the process that the worker makes by `fork` logs nothing.
/// * A record is cut after 32 KiB of text, and says so.
pub fn forward() {
    if current().is_none() {
        return;
    }
    assert!(
        log::set_logger(&Forward).is_ok(),
        "`multiproc::logging::forward` cannot be the logger of this process: another logger is set already, by another startup function or by `tracing_log`"
    );
    let level = outlet().map_or(0, |outlet| usize::from(outlet.levels.log));
    log::set_max_level(LevelFilter::iter().nth(level).unwrap_or(LevelFilter::Off));
}

#[derive(Debug)]
struct Forward;

impl Log for Forward {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata())
            && let Some(outlet) = outlet()
        {
            let task = current().map_or("", |it| it.worker());
            outlet.send(packet(record, task));
        }
    }

    fn flush(&self) {}
}
