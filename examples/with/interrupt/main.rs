//! How does a program that is interrupted by Ctrl-C finish what runs, and save what is done?
//!
//! ```text
//! cargo run --release --example interrupt            # saves to primes.txt
//! cargo run --release --example interrupt -- FILE
//! ```
//!
//! At the first Ctrl-C, tasks that have begun are finished, no other is begun, and what is done is
//! saved. Run it again, and it goes on from there. A second Ctrl-C stops it at once.
//!
//! A terminal sends the signal to all processes of the program. The workers
//! [ignore](multiproc::PoolBuilder::ignore_interrupts) it, and the program decides.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, exit, id};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, fs, io};

use multiproc::{ErrorKind, Pool, worker};

#[cfg(test)]
mod tests;

/// The exit code that shells give a program which Ctrl-C has ended: 128 and the signal's number.
const INTERRUPTED: u8 = 130;

/// Counts the primes below a limit, slowly.
#[worker]
fn count_primes(limit: u32) -> usize {
    println!("process {} counts the primes below {limit}", id());
    (2..limit)
        .filter(|n| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0))
        .count()
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let path = env::args_os().nth(1).map(PathBuf::from);
    let path = path.as_deref().unwrap_or(Path::new("primes.txt"));
    // Without this, Ctrl-C would end the workers as well.
    let pool = Pool::builder().ignore_interrupts().build()?;
    let limits = (1..=60).map(|n| n * 100_000);
    count(pool, limits, path)
}

/// Counts the primes below each limit that is not in the file yet.
fn count(
    pool: Pool,
    limits: impl IntoIterator<Item = u32>,
    path: &Path,
) -> Result<ExitCode, Box<dyn Error>> {
    let mut done = load(path)?;
    let tasks: Vec<_> = limits
        .into_iter()
        .filter(|limit| !done.contains_key(limit))
        .map(|limit| (limit, pool.submit(count_primes::call(limit))))
        .collect();

    let interrupted = Arc::new(AtomicBool::new(false));
    ctrlc::set_handler({
        let interrupted = Arc::clone(&interrupted);
        move || {
            if interrupted.swap(true, Ordering::Relaxed) {
                exit(INTERRUPTED.into()); // the workers end with the program
            }
            pool.cancel_queued();
            println!("finishing {} tasks; Ctrl-C stops them", pool.active());
        }
    })?;
    // Before this, there was nothing to save.
    println!("{} tasks; Ctrl-C finishes those that run", tasks.len());

    for (limit, task) in tasks {
        match task.wait() {
            Ok(count) => drop(done.insert(limit, count)),
            Err(error) if error.kind() == ErrorKind::Cancelled => {}
            Err(error) => println!("{limit}: {error}"),
        }
    }
    save(path, &done)?;
    println!("{} counts are in {}", done.len(), path.display());
    if interrupted.load(Ordering::Relaxed) {
        Ok(ExitCode::from(INTERRUPTED))
    } else {
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads what an earlier run has saved.
fn load(path: &Path) -> Result<BTreeMap<u32, usize>, Box<dyn Error>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read?,
    };
    let parse = |line: &str| {
        let (limit, count) = line.split_once(' ').ok_or("a line is damaged")?;
        Ok((limit.parse()?, count.parse()?))
    };
    text.lines().map(parse).collect()
}

/// Writes a file beside the old one and then replaces that, so that a second Ctrl-C leaves either.
fn save(path: &Path, done: &BTreeMap<u32, usize>) -> io::Result<()> {
    let lines = done
        .iter()
        .map(|(limit, count)| format!("{limit} {count}\n"));
    let new = path.with_extension("new");
    fs::write(&new, lines.collect::<String>())?;
    fs::rename(new, path)
}
