use multiproc::worker;

#[worker(timeout = "0s")]
fn no_time() {}

#[worker(memory = "0MiB", stack = "0B")]
fn no_space() {}

#[worker(timeout = "99999999999999999999ms")]
fn forever() {}

#[worker(memory = "99999999999GiB")]
fn everything() {}

#[worker(nice = 20)]
fn too_nice() {}

#[worker(nice = -21)]
fn not_nice() {}

#[worker(nice = 99999999999999999999)]
fn far_too_nice() {}

fn main() {
    no_time::run().unwrap();
    no_space::run().unwrap();
    forever::run().unwrap();
    everything::run().unwrap();
    too_nice::run().unwrap();
    not_nice::run().unwrap();
    far_too_nice::run().unwrap();
}
