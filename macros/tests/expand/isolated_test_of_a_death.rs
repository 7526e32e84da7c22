#[::core::prelude::v1::test]
fn aborts() {
    fn aborts() -> ! {
        std::process::abort()
    }
    fn __dispatch(
        job: &mut facade::multiproc::__private::Job<'_>,
    ) -> ::core::result::Result<(), facade::multiproc::__private::Failure> {
        job.begin()?;
        aborts()
    }
    use facade::multiproc::__private::macros::register as __register;
    facade::multiproc::__private::run_test(
        __register!(
            < facade::multiproc::__private::Entry >
            ::new(facade::multiproc::__private::name_of_test(::core::concat!(::core::module_path!(),
            "::aborts")), ::core::module_path!(), ::core::file!(), ::core::line!(),
            __dispatch,)
        ),
        facade::multiproc::__private::Expected::Dies("SIGABRT"),
    )
}
