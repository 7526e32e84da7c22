pub fn largest<T: Ord + Clone, const N: usize>(
    values: &[T],
    more: [T; N],
    times: u8,
) -> Option<T>
where
    T: Send,
{
    body
}
/// `largest` as the entry point of a process: `largest::spawn` starts one that runs it, `largest::run` also waits for its result, `largest::call` binds it to its arguments.
pub struct largest {}
impl largest {
    /// Starts a process that runs `largest` with these arguments.
    ///
    /// # Errors
    ///
    /// No process could be started, or an argument could not be encoded.
    pub fn spawn<T, const N: usize>(
        values: &[T],
        more: [T; N],
        times: u8,
    ) -> ::multiproc::__private::Result<::multiproc::__private::Process<Option<T>>>
    where
        T: Ord + Clone,
        T: Send,
        [T]: for<> ::multiproc::__private::PayloadRef,
        [T; N]: for<> ::multiproc::__private::Payload,
        Option<T>: for<> ::multiproc::__private::Payload,
    {
        Self::call::<T, { N }>(values, more, times).spawn()
    }
    /// Runs `largest` in a process of its own and waits for its result.
    ///
    /// # Errors
    ///
    /// No process could be started, an argument could not be encoded, or the process
    /// ended without a result: the error says how.
    pub fn run<T, const N: usize>(
        values: &[T],
        more: [T; N],
        times: u8,
    ) -> ::multiproc::__private::Result<Option<T>>
    where
        T: Ord + Clone,
        T: Send,
        [T]: for<> ::multiproc::__private::PayloadRef,
        [T; N]: for<> ::multiproc::__private::Payload,
        Option<T>: for<> ::multiproc::__private::Payload,
    {
        Self::call::<T, { N }>(values, more, times).run()
    }
    /// Binds `largest` to its arguments, and starts nothing yet.
    pub fn call<'call, T, const N: usize>(
        values: &'call [T],
        more: [T; N],
        times: u8,
    ) -> ::multiproc::__private::Call<'call, Option<T>>
    where
        T: Ord + Clone,
        T: Send,
        [T]: for<> ::multiproc::__private::PayloadRef,
        [T; N]: for<> ::multiproc::__private::Payload,
        Option<T>: for<> ::multiproc::__private::Payload,
    {
        let (codec0, codec1, codec2, result) = Self::__codecs::<T, { N }>();
        ::multiproc::__private::bind(
            Self::__entry::<T, { N }>(),
            [codec0.lend(values), codec1.own(more), codec2.own(times)],
            result,
        )
    }
    fn __entry<T, const N: usize>() -> &'static ::multiproc::__private::Entry
    where
        T: Ord + Clone,
        T: Send,
        [T]: for<> ::multiproc::__private::PayloadRef,
        [T; N]: for<> ::multiproc::__private::Payload,
        Option<T>: for<> ::multiproc::__private::Payload,
    {
        const {
            &<::multiproc::__private::Entry>::new(
                    "largest",
                    ::core::module_path!(),
                    ::core::file!(),
                    ::core::line!(),
                    Self::__dispatch::<T, { N }>,
                )
                .memory(536870912)
                .nice(-5)
        }
    }
    fn __codecs<T, const N: usize>() -> (
        ::multiproc::__private::BorrowedCodec<[T]>,
        ::multiproc::__private::OwnedCodec<[T; N]>,
        ::multiproc::__private::OwnedCodec<u8>,
        ::multiproc::__private::ResultCodec<Option<T>>,
    )
    where
        T: Ord + Clone,
        T: Send,
        [T]: for<> ::multiproc::__private::PayloadRef,
        [T; N]: for<> ::multiproc::__private::Payload,
        Option<T>: for<> ::multiproc::__private::Payload,
    {
        (
            <[T] as ::multiproc::__private::PayloadRef>::borrowed(),
            <[T; N] as ::multiproc::__private::Payload>::owned(),
            <u8 as ::multiproc::__private::Payload>::owned(),
            <Option<T> as ::multiproc::__private::Payload>::result(),
        )
    }
    fn __dispatch<T, const N: usize>(
        job: &mut ::multiproc::__private::Job<'_>,
    ) -> ::core::result::Result<(), ::multiproc::__private::Failure>
    where
        T: Ord + Clone,
        T: Send,
        [T]: for<> ::multiproc::__private::PayloadRef,
        [T; N]: for<> ::multiproc::__private::Payload,
        Option<T>: for<> ::multiproc::__private::Payload,
    {
        let (codec0, codec1, codec2, result) = Self::__codecs::<T, { N }>();
        let argument0 = job.argument(&codec0)?;
        let argument1 = job.argument(&codec1)?;
        let argument2 = job.argument(&codec2)?;
        job.begin()?;
        let value = largest::<T, { N }>(&*argument0, argument1, argument2);
        job.reply(&result, &value)
    }
}
