#[deprecated]
fn exit(code: i32) -> ! {
    std::process::exit(code)
}
#[deprecated]
/// `exit` as the entry point of a process: `exit::spawn` starts one that runs it, `exit::run` also waits for its result, `exit::call` binds it to its arguments.
struct exit {}
#[allow(deprecated)]
impl exit {
    /// Starts a process that runs `exit` with these arguments.
    ///
    /// # Errors
    ///
    /// No process could be started, or an argument could not be encoded.
    pub fn spawn(
        code: i32,
    ) -> facade::multiproc::__private::Result<
        facade::multiproc::__private::Process<::core::convert::Infallible>,
    > {
        Self::call(code).spawn()
    }
    /// Runs `exit` in a process of its own and waits for its result.
    ///
    /// # Errors
    ///
    /// No process could be started, an argument could not be encoded, or the process
    /// ended without a result: the error says how.
    pub fn run(
        code: i32,
    ) -> facade::multiproc::__private::Result<::core::convert::Infallible> {
        Self::call(code).run()
    }
    /// Binds `exit` to its arguments, and starts nothing yet.
    pub fn call(
        code: i32,
    ) -> facade::multiproc::__private::Call<'static, ::core::convert::Infallible> {
        let (codec0, result) = Self::__codecs();
        facade::multiproc::__private::bind(Self::__entry(), [codec0.own(code)], result)
    }
    fn __entry() -> &'static facade::multiproc::__private::Entry {
        use facade::multiproc::__private::macros::register as __register;
        __register!(
            < facade::multiproc::__private::Entry > ::new("exit", ::core::module_path!(),
            ::core::file!(), ::core::line!(), exit::__dispatch,)
        )
    }
    fn __codecs() -> (
        facade::multiproc::__private::OwnedCodec<i32>,
        facade::multiproc::__private::ResultCodec<::core::convert::Infallible>,
    ) {
        (
            <i32 as facade::multiproc::__private::Payload>::owned(),
            facade::multiproc::__private::never(),
        )
    }
    fn __dispatch(
        job: &mut facade::multiproc::__private::Job<'_>,
    ) -> ::core::result::Result<(), facade::multiproc::__private::Failure> {
        let (codec0, _) = Self::__codecs();
        let argument0 = job.argument(&codec0)?;
        job.begin()?;
        exit(argument0)
    }
}
