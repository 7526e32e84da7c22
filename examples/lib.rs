//! See the files in `examples/`.
