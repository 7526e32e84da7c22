//! A program that logs with `log`.

use log::{debug, error, info, warn};
use multiproc::{Pool, Result, worker};

/// Measures a file, some of which are broken.
#[worker]
fn measure(name: &str) -> usize {
    debug!("opening {name:?}");
    if name.is_empty() {
        warn!("there is a file without a name");
    }
    if name.contains("broken") {
        info!(file = name; "this one looks strange");
        // A library in C would crash.
        std::process::abort();
    }
    name.len()
}

pub(crate) fn measure_all() -> Result<()> {
    let pool = Pool::builder().workers(2).name("measurer").build()?;
    let names = ["one", "", "broken", "four"];
    let tasks = names.map(|name| (name, pool.submit(measure::call(name))));
    for (name, task) in tasks {
        match task.wait() {
            Ok(length) => info!("{name:?} has a length of {length}"),
            Err(error) => error!("{name:?}: {error}"),
        }
    }
    pool.shutdown()
}
