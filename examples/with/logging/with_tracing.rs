//! The same program with `tracing`.

use multiproc::{Pool, Result, worker};
use tracing::{debug, error, info, info_span, warn};

/// Measures a file, some of which are broken.
#[worker]
fn measure(name: &str) -> usize {
    let span = info_span!("measuring", file = name);
    let _entered = span.enter();
    debug!("opening");
    if name.is_empty() {
        warn!("there is a file without a name");
    }
    if name.contains("broken") {
        info!("this one looks strange");
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
            Ok(length) => info!(file = name, length, "measured"),
            Err(error) => error!(file = name, %error),
        }
    }
    pool.shutdown()
}
