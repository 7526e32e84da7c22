#[::core::prelude::v1::test]
/// Reads.
#[should_panic(expected = "no file")]
#[ignore]
#[allow(unused_variables)]
pub(crate) fn reads() {
    #[expect(unused_variables)]
    async fn reads() {
        body
    }
    fn __dispatch(
        job: &mut ::multiproc::__private::Job<'_>,
    ) -> ::core::result::Result<(), ::multiproc::__private::Failure> {
        job.begin()?;
        let success = <() as ::multiproc::__private::Tested>::succeeds(
            block_on(reads()),
        );
        job.reply(&<bool as ::multiproc::__private::Payload>::result(), &success)
    }
    use ::multiproc::__private::macros::register as __register;
    ::multiproc::__private::run_test(
        __register!(
            < ::multiproc::__private::Entry >
            ::new(::multiproc::__private::name_of_test(::core::concat!(::core::module_path!(),
            "::reads")), ::core::module_path!(), ::core::file!(), ::core::line!(),
            __dispatch,).timeout(::core::time::Duration::from_millis(30000))
        ),
        ::multiproc::__private::Expected::Panics,
    )
}
