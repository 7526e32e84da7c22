use multiproc::worker;

#[worker(crate)]
fn no_value() {}

#[worker(crate =)]
fn no_value_either() {}

#[worker(crate = "multiproc")]
fn quoted() {}

#[worker(crate = 10)]
fn number() {}

#[worker(crate(multiproc))]
fn parentheses() {}

#[worker(crate = multiproc runtime)]
fn two_words() {}

#[worker(before_worker = || ())]
fn closure() {}

#[worker(runtime = "block_on")]
async fn quoted_runtime() {}

fn main() {
    no_value::run().unwrap();
    no_value_either::run().unwrap();
    quoted::run().unwrap();
    number::run().unwrap();
    parentheses::run().unwrap();
    two_words();
    closure::run().unwrap();
    quoted_runtime::run().unwrap();
}
