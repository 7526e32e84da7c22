fn main() {
    let offset = 3;
    multiproc::run(7, |x| x + offset).unwrap();
}
