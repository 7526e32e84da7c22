fn main() {
    multiproc::run("text", |text| text.len()).unwrap();
    let numbers = vec![1, 2];
    multiproc::run(&numbers, |numbers| numbers.len()).unwrap();
}
