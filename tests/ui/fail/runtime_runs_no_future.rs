use multiproc::worker;

struct Task<T>(T);

fn start<F: Future>(future: F) -> Task<F> {
    Task(future)
}

fn now() -> usize {
    1
}

fn run_static<F: Future + 'static>(_: F) -> F::Output {
    unimplemented!()
}

#[worker(runtime = start)]
async fn gives_another_value(url: &str) -> usize {
    url.len()
}

#[worker(runtime = now)]
async fn takes_no_future(url: &str) -> usize {
    url.len()
}

#[worker(runtime = missing::block_on)]
async fn is_missing(url: &str) -> usize {
    url.len()
}

#[worker(runtime = run_static)]
async fn asks_for_static(url: &str) -> usize {
    url.len()
}

fn main() {
    let _: usize = gives_another_value::run("url").unwrap();
    let _: usize = takes_no_future::run("url").unwrap();
    let _: usize = is_missing::run("url").unwrap();
    let _: usize = asks_for_static::run("url").unwrap();
}
