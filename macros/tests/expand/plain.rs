/// Doubles.
pub fn double(number: u32) -> u32 {
    number * 2
}
#[cfg_attr(not(doctest), doc = r" Doubles.")]
///
/// `double` as the entry point of a process: `double::spawn` starts one that runs it, `double::run` also waits for its result, `double::call` binds it to its arguments.
pub struct double {}
impl double {
    /// Starts a process that runs `double` with these arguments.
    ///
    /// # Errors
    ///
    /// No process could be started, or an argument could not be encoded.
    pub fn spawn(
        number: u32,
    ) -> ::multiproc::__private::Result<::multiproc::__private::Process<u32>> {
        Self::call(number).spawn()
    }
    /// Runs `double` in a process of its own and waits for its result.
    ///
    /// # Errors
    ///
    /// No process could be started, an argument could not be encoded, or the process
    /// ended without a result: the error says how.
    pub fn run(number: u32) -> ::multiproc::__private::Result<u32> {
        Self::call(number).run()
    }
    /// Binds `double` to its arguments, and starts nothing yet.
    pub fn call(number: u32) -> ::multiproc::__private::Call<'static, u32> {
        let (codec0, result) = Self::__codecs();
        ::multiproc::__private::bind(Self::__entry(), [codec0.own(number)], result)
    }
    fn __entry() -> &'static ::multiproc::__private::Entry {
        use ::multiproc::__private::macros::register as __register;
        __register!(
            < ::multiproc::__private::Entry > ::new("double", ::core::module_path!(),
            ::core::file!(), ::core::line!(), double::__dispatch,)
        )
    }
    fn __codecs() -> (
        ::multiproc::__private::OwnedCodec<u32>,
        ::multiproc::__private::ResultCodec<u32>,
    ) {
        (
            <u32 as ::multiproc::__private::Payload>::owned(),
            <u32 as ::multiproc::__private::Payload>::result(),
        )
    }
    fn __dispatch(
        job: &mut ::multiproc::__private::Job<'_>,
    ) -> ::core::result::Result<(), ::multiproc::__private::Failure> {
        let (codec0, result) = Self::__codecs();
        let argument0 = job.argument(&codec0)?;
        job.begin()?;
        let value = double(argument0);
        job.reply(&result, &value)
    }
}
