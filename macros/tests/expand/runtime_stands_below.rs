#[tokio::main(flavor = "current_thread")]
async fn fetch(url: &str) -> usize {
    body
}
/// `fetch` as the entry point of a process: `fetch::spawn` starts one that runs it, `fetch::run` also waits for its result, `fetch::call` binds it to its arguments.
struct fetch {}
impl fetch {
    pub fn spawn(
        url: &str,
    ) -> ::multiproc::__private::Result<::multiproc::__private::Process<usize>> {
        ::core::unreachable!()
    }
    pub fn run(url: &str) -> ::multiproc::__private::Result<usize> {
        ::core::unreachable!()
    }
    pub fn call(url: &str) -> ::multiproc::__private::Call<'static, usize> {
        ::core::unreachable!()
    }
}
::core::compile_error! {
    "worker `fetch` is still `async` here: `#[tokio::main(flavor = \"current_thread\")]` has yet to make an ordinary function of it\nhelp: write `#[tokio::main(flavor = \"current_thread\")]` above `#[worker]`"
}
