use multiproc::worker;

fn outer<T>(values: Vec<T>) -> usize {
    #[worker]
    fn inner(values: Vec<T>) -> usize {
        values.len()
    }

    inner::run(values).unwrap()
}

fn main() {
    outer(vec![1]);
}
