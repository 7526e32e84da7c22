//! Workers in a crate that knows multiproc under other names only.

#[cfg(test)]
mod tests {
    use facade::multiproc::{startup, worker};
    use std::future::{ready, Future};
    use std::path::Path;
    use std::pin::pin;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Poll, Waker};

    static STARTED: AtomicBool = AtomicBool::new(false);

    #[worker(crate = facade::multiproc)]
    fn through_a_facade(path: &Path, (width, height): (u32, u32)) -> usize {
        path.as_os_str().len() + usize::try_from(width * height).unwrap()
    }

    #[renamed::worker(crate = renamed)]
    fn through_a_renamed_dependency(text: &str) -> usize {
        text.len()
    }

    #[worker(crate = facade::multiproc)]
    fn generic_through_a_facade<T: Ord + Clone, const N: usize>(
        values: &[T],
        more: [T; N],
    ) -> Option<T> {
        values.iter().cloned().chain(more).max()
    }

    #[renamed::worker(crate = renamed, runtime = block_on, timeout = "1min", nice = 1)]
    async fn future_through_a_renamed_dependency(text: &str) -> usize {
        ready(text.len()).await
    }

    fn block_on<F: Future>(future: F) -> F::Output {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(future).poll(&mut context) {
            Poll::Ready(output) => output,
            Poll::Pending => unreachable!("it waits for nothing"),
        }
    }

    struct Index(usize);

    #[renamed::service(crate = renamed, threads = 2)]
    impl Index {
        fn open(path: &Path) -> Result<Self, String> {
            match path.as_os_str().len() {
                0 => Err("there is no path".to_owned()),
                length => Ok(Index(length)),
            }
        }

        fn add(&mut self, word: &str) -> usize {
            self.0 += word.len();
            self.0
        }
    }

    #[startup(crate = ::facade::multiproc)]
    fn start() {
        STARTED.store(true, Ordering::Relaxed);
    }

    #[worker(crate = ::facade::multiproc)]
    fn has_started() -> bool {
        STARTED.load(Ordering::Relaxed)
    }

    #[test]
    fn workers_run() {
        assert_eq!(through_a_facade::run(Path::new("/"), (2, 3)).unwrap(), 7);
        assert_eq!(through_a_renamed_dependency::run("text").unwrap(), 4);
        let process = future_through_a_renamed_dependency::spawn("text").unwrap();
        assert_eq!(process.join().unwrap(), 4);
        let largest = generic_through_a_facade::run(&[1], [3, 2]).unwrap();
        assert_eq!(largest, Some(3));
        let largest = generic_through_a_facade::run(&["a".to_owned()], []).unwrap();
        assert_eq!(largest.as_deref(), Some("a"));
    }

    #[test]
    fn services_run() {
        let index = IndexClient::open(Path::new("/")).spawn().unwrap();
        assert_eq!(index.add("dog").run().unwrap(), 4);
    }

    #[test]
    fn startup_functions_run() {
        assert!(has_started::run().unwrap());
        assert!(!has_started());
    }

    #[test]
    fn workers_of_libraries_run() {
        assert_eq!(facade::length_elsewhere("text").unwrap(), 4);
        // Instances of a worker that another crate is the first to use.
        assert_eq!(facade::twice::run('x').unwrap(), ('x', 'x'));
        assert_eq!(facade::twice::run(1.5).unwrap(), (1.5, 1.5));
    }
}
