use multiproc::worker;

#[worker(crate = ::multiproc, crate = multiproc)]
fn work() {}

#[worker(timeout = "1s", nice = 1, timeout = "2s")]
fn work_more() {}

fn main() {
    work::run().unwrap();
    work_more::run().unwrap();
}
