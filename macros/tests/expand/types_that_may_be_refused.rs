fn crop(images: &[Image], sides: Option<Vec<Side>>) -> Image {
    body
}
/// `crop` as the entry point of a process: `crop::spawn` starts one that runs it, `crop::run` also waits for its result, `crop::call` binds it to its arguments.
struct crop {}
impl crop {
    /// Starts a process that runs `crop` with these arguments.
    ///
    /// # Errors
    ///
    /// No process could be started, or an argument could not be encoded.
    pub fn spawn(
        images: &[Image],
        sides: Option<Vec<Side>>,
    ) -> ::multiproc::__private::Result<::multiproc::__private::Process<Image>> {
        Self::call(images, sides).spawn()
    }
    /// Runs `crop` in a process of its own and waits for its result.
    ///
    /// # Errors
    ///
    /// No process could be started, an argument could not be encoded, or the process
    /// ended without a result: the error says how.
    pub fn run(
        images: &[Image],
        sides: Option<Vec<Side>>,
    ) -> ::multiproc::__private::Result<Image> {
        Self::call(images, sides).run()
    }
    /// Binds `crop` to its arguments, and starts nothing yet.
    pub fn call<'call>(
        images: &'call [Image],
        sides: Option<Vec<Side>>,
    ) -> ::multiproc::__private::Call<'call, Image> {
        const _: () = {
            use ::multiproc::__private::verdicts::{
                Elided as _, Lacking as _, Unjudged as _,
            };
            <::multiproc::__private::Judge<Image>>::VERDICT
                .and(<::multiproc::__private::Elision<fn(Image)>>::VERDICT)
                .check("worker `crop` cannot take `Image`")
        };
        const _: () = {
            use ::multiproc::__private::verdicts::{
                Elided as _, Lacking as _, Unjudged as _,
            };
            <::multiproc::__private::Judge<Image>>::VERDICT
                .and(<::multiproc::__private::Elision<fn(Image)>>::VERDICT)
                .otherwise(
                    <::multiproc::__private::Serde<[Image]>>::OWNS
                        .choose(
                            <::multiproc::__private::Serde<[Image]>>::WRITES
                                .and_read(
                                    <::multiproc::__private::Serde<[Image]>>::READS_OWNED,
                                ),
                            <::multiproc::__private::Serde<[Image]>>::WRITES
                                .and_only_read(
                                    <::multiproc::__private::Serde<[Image]>>::READS,
                                ),
                        ),
                )
                .check("worker `crop` cannot take `[Image]`")
        };
        const _: () = {
            use ::multiproc::__private::verdicts::{
                Elided as _, Lacking as _, Unjudged as _,
            };
            <::multiproc::__private::Judge<Option<Vec<Side>>>>::VERDICT
                .inside(<::multiproc::__private::Judge<Vec<Side>>>::VERDICT)
                .inside(
                    <::multiproc::__private::Judge<Side>>::VERDICT
                        .and(<::multiproc::__private::Elision<fn(Side)>>::VERDICT),
                )
                .check("worker `crop` cannot take `Side`")
        };
        const _: () = {
            use ::multiproc::__private::verdicts::{
                Elided as _, Lacking as _, Unjudged as _,
            };
            <::multiproc::__private::Judge<Option<Vec<Side>>>>::VERDICT
                .inside(<::multiproc::__private::Judge<Vec<Side>>>::VERDICT)
                .inside(
                    <::multiproc::__private::Judge<Side>>::VERDICT
                        .and(<::multiproc::__private::Elision<fn(Side)>>::VERDICT),
                )
                .otherwise(
                    <::multiproc::__private::Serde<Option<Vec<Side>>>>::WRITES
                        .and_read(
                            <::multiproc::__private::Serde<Option<Vec<Side>>>>::READS,
                        ),
                )
                .check("worker `crop` cannot take `Option<Vec<Side>>`")
        };
        const _: () = {
            use ::multiproc::__private::verdicts::{
                Elided as _, Lacking as _, Unjudged as _,
            };
            <::multiproc::__private::Judge<Image>>::VERDICT
                .and(<::multiproc::__private::Elision<fn(Image)>>::VERDICT)
                .and(
                    <::multiproc::__private::Serde<Image>>::WRITES
                        .and_read(<::multiproc::__private::Serde<Image>>::READS),
                )
                .check("worker `crop` cannot return `Image`")
        };
        use ::multiproc::__private::verdicts::Elided as _;
        let (codec0, codec1, result) = Self::__codecs(&());
        ::multiproc::__private::bind(
            Self::__entry(),
            [
                codec0.lend(images),
                <::multiproc::__private::Elision<fn(Option<Vec<Side>>)>>::VERDICT
                    .own(&codec1, sides),
            ],
            result,
        )
    }
    fn __entry() -> &'static ::multiproc::__private::Entry {
        use ::multiproc::__private::macros::register as __register;
        __register!(
            < ::multiproc::__private::Entry > ::new("crop", ::core::module_path!(),
            ::core::file!(), ::core::line!(), crop::__dispatch,)
        )
    }
    fn __codecs(
        _: &(),
    ) -> (
        ::multiproc::__private::BorrowedCodec<[Image]>,
        ::multiproc::__private::OwnedCodec<Option<Vec<Side>>>,
        ::multiproc::__private::ResultCodec<Image>,
    ) {
        use ::multiproc::__private::verdicts::{Elided as _, Lacking as _, Unjudged as _};
        use ::multiproc::__private::verdicts::Inferred as __Inferred;
        (
            <::multiproc::__private::Judge<Image>>::VERDICT
                .and(<::multiproc::__private::Elision<fn(Image)>>::VERDICT)
                .and(
                    <::multiproc::__private::Serde<[Image]>>::OWNS
                        .choose(
                            <::multiproc::__private::Serde<[Image]>>::WRITES
                                .and_read(
                                    <::multiproc::__private::Serde<[Image]>>::READS_OWNED,
                                ),
                            <::multiproc::__private::Serde<[Image]>>::WRITES
                                .and_only_read(
                                    <::multiproc::__private::Serde<[Image]>>::READS,
                                ),
                        ),
                )
                .borrowed(
                    <__Inferred<_> as ::multiproc::__private::PayloadRef>::borrowed(),
                ),
            <::multiproc::__private::Judge<Option<Vec<Side>>>>::VERDICT
                .inside(<::multiproc::__private::Judge<Vec<Side>>>::VERDICT)
                .inside(
                    <::multiproc::__private::Judge<Side>>::VERDICT
                        .and(<::multiproc::__private::Elision<fn(Side)>>::VERDICT),
                )
                .and(
                    <::multiproc::__private::Serde<Option<Vec<Side>>>>::WRITES
                        .and_read(
                            <::multiproc::__private::Serde<Option<Vec<Side>>>>::READS,
                        ),
                )
                .owned(<__Inferred<_> as ::multiproc::__private::Payload>::owned()),
            <::multiproc::__private::Judge<Image>>::VERDICT
                .and(<::multiproc::__private::Elision<fn(Image)>>::VERDICT)
                .and(
                    <::multiproc::__private::Serde<Image>>::WRITES
                        .and_read(<::multiproc::__private::Serde<Image>>::READS),
                )
                .owned(<__Inferred<_> as ::multiproc::__private::Payload>::result()),
        )
    }
    fn __dispatch(
        job: &mut ::multiproc::__private::Job<'_>,
    ) -> ::core::result::Result<(), ::multiproc::__private::Failure> {
        let (codec0, codec1, result) = Self::__codecs(&());
        let argument0 = job.argument(&codec0)?;
        let argument1 = job.argument(&codec1)?;
        job.begin()?;
        let value = crop(&*argument0, argument1);
        job.reply(&result, &value)
    }
}
