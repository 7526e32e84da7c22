/// Sorts.
pub async fn sort<T: Ord>(values: &mut [T], #[cfg(unix)] (a, b): (u8, u8)) -> Vec<T> {
    todo!()
}
#[cfg_attr(not(doctest), doc = r" Sorts.")]
///
/// `sort` as the entry point of a process: `sort::spawn` starts one that runs it, `sort::run` also waits for its result, `sort::call` binds it to its arguments.
pub struct sort {}
impl sort {
    pub fn spawn<T: Ord>(
        values: &mut [T],
        #[cfg(unix)]
        argument1: (u8, u8),
    ) -> ::multiproc::__private::Result<::multiproc::__private::Process<Vec<T>>> {
        ::core::unreachable!()
    }
    pub fn run<T: Ord>(
        values: &mut [T],
        #[cfg(unix)]
        argument1: (u8, u8),
    ) -> ::multiproc::__private::Result<Vec<T>> {
        ::core::unreachable!()
    }
    pub fn call<T: Ord>(
        values: &mut [T],
        #[cfg(unix)]
        argument1: (u8, u8),
    ) -> ::multiproc::__private::Call<'static, Vec<T>> {
        ::core::unreachable!()
    }
}
::core::compile_error! {
    "worker `sort` has the unknown option `priority`\nhelp: known options: `crate = ::facade::multiproc`, `runtime = block_on`, `timeout = \"30s\"`, `memory = \"512MiB\"`, `stack = \"64MiB\"`, `nice = 10`, `before_worker = lock_down`"
}
::core::compile_error! {
    "worker `sort` cannot be `async` alone: nothing runs its future\nhelp: write `#[worker(runtime = block_on)]`, and have a function that does, such as\n\n    fn block_on<F: Future>(future: F) -> F::Output {\n        tokio::runtime::Runtime::new().unwrap().block_on(future)\n    }\n"
}
::core::compile_error! {
    "worker `sort` cannot take `&mut [T]`: it would change a copy that only its process sees\nhelp: take `Vec<T>`, and return the changed value"
}
::core::compile_error! {
    "worker `sort` cannot have `#[cfg]` on a parameter: the generated functions cannot follow it\nhelp: put `#[cfg]` on the function, and write one for each configuration"
}
