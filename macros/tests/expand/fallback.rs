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
    ) -> ::multiproc::Result<::multiproc::Process<Vec<T>>> {
        ::core::unreachable!()
    }
    pub fn run<T: Ord>(
        values: &mut [T],
        #[cfg(unix)]
        argument1: (u8, u8),
    ) -> ::multiproc::Result<Vec<T>> {
        ::core::unreachable!()
    }
    pub fn call<T: Ord>(
        values: &mut [T],
        #[cfg(unix)]
        argument1: (u8, u8),
    ) -> ::multiproc::Call<'static, Vec<T>> {
        ::core::unreachable!()
    }
}
::core::compile_error! {
    "worker `sort` has the unknown option `priority`\nhelp: known options: `crate = ::facade::multiproc`"
}
::core::compile_error! {
    "worker `sort` cannot be `async`: there is no executor in its process\nhelp: remove `async`, and block on the future inside the function"
}
::core::compile_error! {
    "worker `sort` cannot be generic over `T`: its process calls it by name, and a name stands for one function\nhelp: write a concrete type; several workers can share a generic function that does the work"
}
::core::compile_error! {
    "worker `sort` cannot take `&mut [T]`: it would change a copy that only its process sees\nhelp: take `Vec<T>`, and return the changed value"
}
::core::compile_error! {
    "worker `sort` cannot have `#[cfg]` on a parameter: the generated functions cannot follow it\nhelp: put `#[cfg]` on the function, and write one for each configuration"
}
