//! How is a library used in parallel that has one state for the whole process?
//!
//! ```text
//! cargo run --example not_thread_safe
//! ```
//!
//! The C library's `drand48` stands in for it: it draws from one hidden generator. Two threads
//! that use it disturb each other. Each worker process of a pool has a generator of its own, which
//! the pool's initializer opens.

use std::f64::consts::PI;

use multiproc::{Pool, worker};

/// The C library, as a cautious wrapper would expose it.
mod generator {
    #![expect(unsafe_code, reason = "a C library is called")]

    use std::sync::OnceLock;

    static OPEN: OnceLock<()> = OnceLock::new();

    /// Opens the one generator of this process.
    pub fn open() -> Result<(), String> {
        OPEN.set(()).map_err(|()| "it is open already".to_owned())
    }

    pub fn seed(seed: i64) {
        assert!(OPEN.get().is_some(), "it is not open");
        // SAFETY: it only writes the library's own state, and this process calls it from one
        // thread.
        unsafe { libc::srand48(seed) };
    }

    pub fn draw() -> f64 {
        // SAFETY: as above.
        unsafe { libc::drand48() }
    }
}

/// Runs once in each worker process.
#[worker]
fn open() -> Result<(), String> {
    generator::open()
}

/// Estimates π. The same seed gives the same estimate, unless another thread draws meanwhile.
#[worker]
fn estimate_pi(seed: i64) -> f64 {
    const POINTS: i32 = 200_000;
    generator::seed(seed);
    let inside = (0..POINTS)
        .map(|_| generator::draw().hypot(generator::draw()))
        .map(|distance| if distance < 1.0 { 1.0 } else { 0.0 });
    4.0 * inside.sum::<f64>() / f64::from(POINTS)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = Pool::builder().initializer(open::call()).build()?;
    let in_workers: Vec<f64> = pool
        .map(estimate_pi::call, 0..40)
        .collect::<multiproc::Result<_>>()?;

    // The worker is an ordinary function: here it runs in this process, one seed after another.
    generator::open()?;
    let one_by_one: Vec<f64> = (0..40).map(estimate_pi).collect();
    assert_eq!(in_workers, one_by_one);

    let mean = in_workers.iter().sum::<f64>() / 40.0;
    println!(
        "{} workers drew what one process draws; π is about {mean:.4}, off by {:.4}",
        pool.workers(),
        (mean - PI).abs()
    );
    Ok(())
}
