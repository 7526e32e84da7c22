fn main() {
    multiproc::run((3, 4), |a, b| a + b).unwrap();
    multiproc::run((), || 7).unwrap();
}
