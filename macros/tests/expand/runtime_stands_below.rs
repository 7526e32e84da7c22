#[tokio::main(flavor = "current_thread")]
async fn fetch(url: &str) -> usize {
    body
}
/// `fetch` as the entry point of a process: `fetch::spawn` starts one that runs it, `fetch::run` also waits for its result, `fetch::call` binds it to its arguments.
struct fetch {}
impl fetch {
    fn spawn(url: &str) -> ::multiproc::Result<::multiproc::Process<usize>> {
        ::core::unreachable!()
    }
    fn run(url: &str) -> ::multiproc::Result<usize> {
        ::core::unreachable!()
    }
    fn call(url: &str) -> ::multiproc::Call<'static, usize> {
        ::core::unreachable!()
    }
}
::core::compile_error! {
    "worker `fetch` is still `async` here: `#[tokio::main(flavor = \"current_thread\")]` has yet to make an ordinary function of it\nhelp: write `#[tokio::main(flavor = \"current_thread\")]` above `#[worker]`"
}
