#[cfg(unix)]
#[expect(clippy::too_many_arguments)]
pub(crate) fn resize(
    path: &Path,
    (width, height): (u32, u32),
    mut quality: f32,
    argument1: &'_ [u8],
    _: (),
) -> Result<u64, RemoteError> {
    body
}
#[cfg(unix)]
#[allow(clippy::too_many_arguments)]
/// `resize` as the entry point of a process: `resize::spawn` starts one that runs it, `resize::run` also waits for its result, `resize::call` binds it to its arguments.
pub(crate) struct resize {}
#[cfg(unix)]
#[allow(clippy::too_many_arguments)]
impl resize {
    /// Starts a process that runs `resize` with these arguments.
    ///
    /// # Errors
    ///
    /// No process could be started, or an argument could not be encoded.
    pub fn spawn(
        path: &Path,
        argument1_: (u32, u32),
        quality: f32,
        argument1: &[u8],
        argument4: (),
    ) -> ::multiproc::__private::Result<
        ::multiproc::__private::Process<Result<u64, RemoteError>>,
    > {
        Self::call(path, argument1_, quality, argument1, argument4).spawn()
    }
    /// Runs `resize` in a process of its own and waits for its result.
    ///
    /// # Errors
    ///
    /// No process could be started, an argument could not be encoded, or the process
    /// ended without a result: the error says how.
    pub fn run(
        path: &Path,
        argument1_: (u32, u32),
        quality: f32,
        argument1: &[u8],
        argument4: (),
    ) -> ::multiproc::__private::Result<Result<u64, RemoteError>> {
        Self::call(path, argument1_, quality, argument1, argument4).run()
    }
    /// Binds `resize` to its arguments, and starts nothing yet.
    pub fn call<'call>(
        path: &'call Path,
        argument1_: (u32, u32),
        quality: f32,
        argument1: &'call [u8],
        argument4: (),
    ) -> ::multiproc::__private::Call<'call, Result<u64, RemoteError>> {
        let (codec0, codec1, codec2, codec3, codec4, result) = Self::__codecs();
        ::multiproc::__private::bind(
            Self::__entry(),
            [
                codec0.lend(path),
                codec1.own(argument1_),
                codec2.own(quality),
                codec3.lend(argument1),
                codec4.own(argument4),
            ],
            result,
        )
    }
    fn __entry() -> &'static ::multiproc::__private::Entry {
        use ::multiproc::__private::macros::register as __register;
        __register!(
            < ::multiproc::__private::Entry > ::new("resize", ::core::module_path!(),
            ::core::file!(), ::core::line!(), resize::__dispatch,)
        )
    }
    fn __codecs() -> (
        ::multiproc::__private::BorrowedCodec<Path>,
        ::multiproc::__private::OwnedCodec<(u32, u32)>,
        ::multiproc::__private::OwnedCodec<f32>,
        ::multiproc::__private::BorrowedCodec<[u8]>,
        ::multiproc::__private::OwnedCodec<()>,
        ::multiproc::__private::ResultCodec<Result<u64, RemoteError>>,
    ) {
        (
            <Path as ::multiproc::__private::PayloadRef>::borrowed(),
            <(u32, u32) as ::multiproc::__private::Payload>::owned(),
            <f32 as ::multiproc::__private::Payload>::owned(),
            <[u8] as ::multiproc::__private::PayloadRef>::borrowed(),
            <() as ::multiproc::__private::Payload>::owned(),
            <Result<u64, RemoteError> as ::multiproc::__private::Payload>::result(),
        )
    }
    fn __dispatch(
        job: &mut ::multiproc::__private::Job<'_>,
    ) -> ::core::result::Result<(), ::multiproc::__private::Failure> {
        let (codec0, codec1, codec2, codec3, codec4, result) = Self::__codecs();
        let argument0 = job.argument(&codec0)?;
        let argument1 = job.argument(&codec1)?;
        let argument2 = job.argument(&codec2)?;
        let argument3 = job.argument(&codec3)?;
        let argument4 = job.argument(&codec4)?;
        job.begin()?;
        let value = resize(&*argument0, argument1, argument2, &*argument3, argument4);
        job.reply(&result, &value)
    }
}
