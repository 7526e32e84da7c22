#[::core::prelude::v1::test]
#[cfg(unix)]
#[cfg_attr(miri, ignore = "it is slow", allow(unused))]
#[cfg_attr(debug_assertions, should_panic(expected = "overflow"))]
fn adds() {
    #[cfg(unix)]
    #[cfg_attr(miri, allow(unused))]
    fn adds() -> Result<(), String> {
        body
    }
    fn __dispatch(
        job: &mut ::multiproc::__private::Job<'_>,
    ) -> ::core::result::Result<(), ::multiproc::__private::Failure> {
        job.begin()?;
        let success = <Result<
            (),
            String,
        > as ::multiproc::__private::Tested>::succeeds(adds());
        job.reply(&<bool as ::multiproc::__private::Payload>::result(), &success)
    }
    use ::multiproc::__private::macros::register as __register;
    ::multiproc::__private::run_test(
        __register!(
            < ::multiproc::__private::Entry >
            ::new(::multiproc::__private::name_of_test(::core::concat!(::core::module_path!(),
            "::adds")), ::core::module_path!(), ::core::file!(), ::core::line!(),
            __dispatch,)
        ),
        if ::core::cfg!(any(debug_assertions)) {
            ::multiproc::__private::Expected::Panics
        } else {
            ::multiproc::__private::Expected::Returns
        },
    )
}
