//! How is the progress of a long map shown?
//!
//! ```text
//! cargo run --release --example progress
//! ```
//!
//! [`Map::progress`](multiproc::Map::progress) is called as results arrive; here it moves a bar.

use indicatif::{ProgressBar, ProgressStyle};
use multiproc::{Pool, worker};

/// The number of steps until the Collatz sequence from `start` reaches 1.
#[worker]
fn collatz(start: u64) -> u32 {
    let next = |n: &u64| match n {
        1 => None,
        n if n.is_multiple_of(2) => Some(n / 2),
        n => Some(3 * n + 1),
    };
    let steps = std::iter::successors(Some(start), next).count() - 1;
    steps.try_into().unwrap_or(u32::MAX)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::new()?;
    let style = "{bar:40} {human_pos} of {human_len}, {per_sec}, {eta} left";
    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template(style)?);
    let results = pool
        .map(collatz::call, 1..2_000_000)
        .progress(|done, total| {
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        });
    let mut longest = (0, 0);
    for (start, steps) in (1..).zip(results) {
        longest = longest.max((steps?, start));
    }
    bar.finish();
    let (steps, start) = longest;
    println!("The longest way is from {start}: {steps} steps.");
    println!("{:#?}", pool.stats());
    Ok(())
}
