use multiproc::worker;

const LIMIT: &str = "30s";

#[worker(timeout = 30)]
fn number() {}

#[worker(timeout = LIMIT)]
fn constant() {}

#[worker(timeout = "a while")]
fn words() {}

#[worker(timeout = "30 s")]
fn space() {}

#[worker(timeout = "1.5s")]
fn fraction() {}

#[worker(timeout = "-1s")]
fn negative() {}

#[worker(timeout("30s"))]
fn parentheses() {}

#[worker(timeout)]
fn nothing() {}

#[worker(memory = 1.5GiB)]
fn no_quotes() {}

#[worker(stack = "1.5GiB")]
fn fraction_of_a_size() {}

#[worker(nice = "10")]
fn quoted() {}

#[worker(nice = 1.5)]
fn fraction_of_niceness() {}

#[worker(nice = 10u8)]
fn suffix() {}

fn main() {
    let _ = LIMIT;
    number::run().unwrap();
    constant::run().unwrap();
    words::run().unwrap();
    space::run().unwrap();
    fraction::run().unwrap();
    negative::run().unwrap();
    parentheses::run().unwrap();
    nothing::run().unwrap();
    no_quotes::run().unwrap();
    fraction_of_a_size::run().unwrap();
    quoted::run().unwrap();
    fraction_of_niceness::run().unwrap();
    suffix::run().unwrap();
}
