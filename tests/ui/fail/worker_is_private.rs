mod images {
    #[multiproc::worker]
    fn length(text: &str) -> usize {
        text.len()
    }

    pub(super) mod inner {
        #[multiproc::worker]
        pub(super) fn largest<T: Ord>(values: Vec<T>) -> Option<T> {
            values.into_iter().max()
        }
    }
}

fn main() {
    let _ = images::length::run("text");
    let _ = images::inner::largest::call(vec![1, 2]);
}
