//! A program whose library starts workers. Its first argument is a file in which `main` leaves a
//! line each time it runs.

#![expect(clippy::print_stdout, reason = "it tells what came of it")]

use std::fs::File;
use std::io::Write;

fn main() {
    let file = std::env::args_os().nth(1).expect("an argument");
    let mut file = File::options()
        .append(true)
        .create(true)
        .open(file)
        .unwrap();
    writeln!(file, "main").unwrap();
    println!("{}", multiproc_tests::double_in_a_process(21));
}
