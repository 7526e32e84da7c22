use multiproc::worker;

#[worker(timeout = "30sec")]
fn seconds() {}

#[worker(timeout = "2days")]
fn days() {}

#[worker(memory = "512mib")]
fn mebibytes() {}

#[worker(stack = "64M")]
fn short() {}

#[worker(timeout = "30")]
fn no_time_unit() {}

#[worker(memory = "4096")]
fn no_size_unit() {}

fn main() {
    seconds::run().unwrap();
    days::run().unwrap();
    mebibytes::run().unwrap();
    short::run().unwrap();
    no_time_unit::run().unwrap();
    no_size_unit::run().unwrap();
}
