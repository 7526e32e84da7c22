//! Compiles the C library that the example `crash` calls.

fn main() {
    println!("cargo::rerun-if-changed=crash/list.c");
    cc::Build::new()
        .file("crash/list.c")
        // In release builds too, so that a crash has its line.
        .debug(true)
        .compile("list");
}
