//! Compiles the C libraries that the examples `crash` and `supervised` call.

fn main() {
    for (file, library) in [
        ("crash/list.c", "list"),
        ("supervised/calculator.c", "calculator"),
    ] {
        println!("cargo::rerun-if-changed={file}");
        cc::Build::new()
            .file(file)
            // In release builds too, so that a crash has its line.
            .debug(true)
            .compile(library);
    }
}
