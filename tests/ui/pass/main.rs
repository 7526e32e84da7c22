//! Programs that the attributes accept, a module each. See `../README.md`.

mod async_functions;
mod attributes;
mod borrowed_arguments;
mod calls;
mod crate_path;
mod from_macros;
mod generic_functions;
mod like_refused;
mod modules_and_visibility;
mod names;
mod nested_functions;
mod never_returns;
mod options;
mod owned_arguments;
mod patterns;
mod pools;
mod results;
mod services;
mod shareable_everywhere;
mod where_clauses;

/// What concerns a whole program is a test target of its own.
const ALONE: [&str; 4] = [
    "lints",
    "shadowed_prelude",
    "startup_functions",
    "startup_panics",
];

#[test]
fn every_file_is_compiled() {
    let manifest = include_str!("../Cargo.toml");
    let modules = include_str!("main.rs");
    for entry in std::fs::read_dir("pass").unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let compiled = name == "main"
            || modules.contains(&format!("\nmod {name};\n"))
            || ALONE.contains(&name) && manifest.contains(&format!("\"pass/{name}.rs\""));
        assert!(compiled, "{} is compiled by no test", path.display());
    }
}
