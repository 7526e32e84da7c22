async fn fetch(url: &str) -> Result<String, RemoteError> {
    body
}
/// `fetch` as the entry point of a process: `fetch::spawn` starts one that runs it, `fetch::run` also waits for its result, `fetch::call` binds it to its arguments.
struct fetch {}
impl fetch {
    /// Starts a process that runs `fetch` with these arguments.
    ///
    /// # Errors
    ///
    /// No process could be started, or an argument could not be encoded.
    pub fn spawn(
        url: &str,
    ) -> ::multiproc::__private::Result<
        ::multiproc::__private::Process<Result<String, RemoteError>>,
    > {
        Self::call(url).spawn()
    }
    /// Runs `fetch` in a process of its own and waits for its result.
    ///
    /// # Errors
    ///
    /// No process could be started, an argument could not be encoded, or the process
    /// ended without a result: the error says how.
    pub fn run(
        url: &str,
    ) -> ::multiproc::__private::Result<Result<String, RemoteError>> {
        Self::call(url).run()
    }
    /// Binds `fetch` to its arguments, and starts nothing yet.
    pub fn call<'call>(
        url: &'call str,
    ) -> ::multiproc::__private::Call<'call, Result<String, RemoteError>> {
        let (codec0, result) = Self::__codecs();
        ::multiproc::__private::bind(Self::__entry(), [codec0.lend(url)], result)
    }
    fn __entry() -> &'static ::multiproc::__private::Entry {
        use ::multiproc::__private::macros::register as __register;
        __register!(
            < ::multiproc::__private::Entry > ::new("fetch", ::core::module_path!(),
            ::core::file!(), ::core::line!(), fetch::__dispatch,)
            .timeout(::core::time::Duration::from_millis(30000)).stack(67108864)
            .before_worker({ let hook : fn () = lock_down; hook })
        )
    }
    fn __codecs() -> (
        ::multiproc::__private::BorrowedCodec<str>,
        ::multiproc::__private::ResultCodec<Result<String, RemoteError>>,
    ) {
        (
            <str as ::multiproc::__private::PayloadRef>::borrowed(),
            <Result<String, RemoteError> as ::multiproc::__private::Payload>::result(),
        )
    }
    fn __dispatch(
        job: &mut ::multiproc::__private::Job<'_>,
    ) -> ::core::result::Result<(), ::multiproc::__private::Failure> {
        let (codec0, result) = Self::__codecs();
        let argument0 = job.argument(&codec0)?;
        job.begin()?;
        let value: Result<String, RemoteError> = rt::block_on(fetch(&*argument0));
        job.reply(&result, &value)
    }
}
