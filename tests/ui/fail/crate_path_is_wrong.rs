use multiproc::{Shareable, startup, worker};

struct Point {
    x: f64,
}

mod facade {
    pub use multiproc::worker;
}

#[worker(crate = multiprocs)]
fn length(text: &str) -> usize {
    text.len()
}

#[worker(crate = parallel::multiproc)]
fn norms(points: Vec<Point>) -> Vec<f64> {
    points.iter().map(|point| point.x.abs()).collect()
}

/// The whole library has to be there, and not its attribute alone.
#[facade::worker(crate = facade)]
fn largest<T: Ord>(values: Vec<T>) -> Option<T> {
    values.into_iter().max()
}

#[startup(crate = crate::facade::multiproc)]
fn start() {}

#[derive(Shareable)]
#[shareable(crate = ::facade)]
struct Total {
    _sum: u64,
}

fn main() {
    let _: usize = length::run("text").unwrap();
    let _: Vec<f64> = norms::run(vec![Point { x: -1.0 }]).unwrap();
    let _: Option<u8> = largest::run(vec![1, 2]).unwrap();
    let _ = multiproc::sync::Mutex::new(Total { _sum: 1 });
}
