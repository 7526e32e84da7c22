impl<T: Ord + Clone, const N: usize> store::Sorted<T, N>
where
    Self: Send,
{
    fn new(values: [T; N]) -> Option<store::Sorted<T, N>> {
        body
    }
    fn largest(&self) -> Option<T> {
        body
    }
}
/// A client of a service that is made of `Sorted`, in a process of its own: the constructors of `Sorted` start one, and its methods are requests to it. Clones ask the same service, also from other processes.
struct Numbers<T, const N: usize> {
    client: ::multiproc::__private::Client<Self>,
    marker: ::core::marker::PhantomData<fn() -> T>,
}
#[automatically_derived]
impl<T, const N: usize> ::core::clone::Clone for Numbers<T, N>
where
    T: 'static,
{
    fn clone(&self) -> Self {
        ::multiproc::__private::ServiceClient::from_client(
            ::core::clone::Clone::clone(&self.client),
        )
    }
}
#[automatically_derived]
impl<T, const N: usize> ::core::fmt::Debug for Numbers<T, N>
where
    T: 'static,
{
    fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::fmt::Debug::fmt(&self.client, formatter)
    }
}
#[automatically_derived]
impl<T, const N: usize> ::multiproc::__private::serde::Serialize for Numbers<T, N>
where
    T: 'static,
{
    fn serialize<__S: ::multiproc::__private::serde::Serializer>(
        &self,
        serializer: __S,
    ) -> ::core::result::Result<__S::Ok, __S::Error> {
        ::multiproc::__private::serde::Serialize::serialize(&self.client, serializer)
    }
}
#[automatically_derived]
impl<'de, T, const N: usize> ::multiproc::__private::serde::Deserialize<'de>
for Numbers<T, N>
where
    T: 'static,
{
    fn deserialize<__D: ::multiproc::__private::serde::Deserializer<'de>>(
        deserializer: __D,
    ) -> ::core::result::Result<Self, __D::Error> {
        let client = ::multiproc::__private::serde::Deserialize::deserialize(
            deserializer,
        )?;
        ::core::result::Result::Ok(
            ::multiproc::__private::ServiceClient::from_client(client),
        )
    }
}
impl<T, const N: usize> ::multiproc::__private::ServiceClient for Numbers<T, N>
where
    T: 'static,
{
    fn from_client(client: ::multiproc::__private::Client<Self>) -> Self {
        Numbers {
            client,
            marker: ::core::marker::PhantomData,
        }
    }
    fn as_client(&self) -> &::multiproc::__private::Client<Self> {
        &self.client
    }
}
impl<T, const N: usize> Numbers<T, { N }> {
    /// Describes a service that `Sorted::new` makes. Nothing is started yet.
    fn new(values: [T; N]) -> ::multiproc::__private::Launch<'static, Self>
    where
        T: Ord + Clone,
        store::Sorted<T, N>: Send,
        T: 'static,
        [T; N]: for<> ::multiproc::__private::Payload,
        Option<T>: for<> ::multiproc::__private::Payload,
    {
        let (codec0,) = Self::__new_codecs();
        ::multiproc::__private::launch(
            Self::__entry(),
            0,
            8,
            ::std::vec![codec0.own(values)],
        )
    }
    /// A request to call `Sorted::largest`. Nothing is sent yet.
    fn largest<'call>(&'call self) -> ::multiproc::__private::Request<'call, Option<T>>
    where
        T: Ord + Clone,
        store::Sorted<T, N>: Send,
        T: 'static,
        [T; N]: for<> ::multiproc::__private::Payload,
        Option<T>: for<> ::multiproc::__private::Payload,
    {
        let (result,) = Self::__largest_codecs();
        let info = ::multiproc::__private::RequestInfo {
            number: 0,
            name: "largest",
            service: "Sorted",
            timeout: ::core::option::Option::None,
        };
        ::multiproc::__private::request(&self.client, info, ::std::vec![], result)
    }
    fn __entry() -> &'static ::multiproc::__private::Entry
    where
        T: Ord + Clone,
        store::Sorted<T, N>: Send,
        T: 'static,
        [T; N]: for<> ::multiproc::__private::Payload,
        Option<T>: for<> ::multiproc::__private::Payload,
    {
        const {
            &<::multiproc::__private::Entry>::new(
                    "Sorted",
                    ::core::module_path!(),
                    ::core::file!(),
                    ::core::line!(),
                    ::multiproc::__private::serve::<store::Sorted<T, N>>,
                )
                .service()
        }
    }
    fn __new_codecs() -> (::multiproc::__private::OwnedCodec<[T; N]>,)
    where
        T: Ord + Clone,
        store::Sorted<T, N>: Send,
        T: 'static,
        [T; N]: for<> ::multiproc::__private::Payload,
        Option<T>: for<> ::multiproc::__private::Payload,
    {
        (<[T; N] as ::multiproc::__private::Payload>::owned(),)
    }
    fn __largest_codecs() -> (::multiproc::__private::ResultCodec<Option<T>>,)
    where
        T: Ord + Clone,
        store::Sorted<T, N>: Send,
        T: 'static,
        [T; N]: for<> ::multiproc::__private::Payload,
        Option<T>: for<> ::multiproc::__private::Payload,
    {
        (<Option<T> as ::multiproc::__private::Payload>::result(),)
    }
}
#[automatically_derived]
impl<T, const N: usize> ::multiproc::__private::Served for store::Sorted<T, N>
where
    T: Ord + Clone,
    store::Sorted<T, N>: Send,
    T: 'static,
    [T; N]: for<> ::multiproc::__private::Payload,
    Option<T>: for<> ::multiproc::__private::Payload,
{
    fn construct(
        constructor: ::core::primitive::u16,
        job: &mut ::multiproc::__private::Job<'_>,
    ) -> ::core::result::Result<Self, ::multiproc::__private::Unbuilt> {
        match constructor {
            0 => {
                let (codec0,) = Numbers::<T, { N }>::__new_codecs();
                let argument0 = job.argument(&codec0)?;
                job.begin()?;
                match Self::new(argument0) {
                    ::core::option::Option::Some(service) => {
                        ::core::result::Result::Ok(service)
                    }
                    ::core::option::Option::None => {
                        ::core::result::Result::Err(
                            ::multiproc::__private::constructor_gave_none("new"),
                        )
                    }
                }
            }
            _ => ::core::unreachable!(),
        }
    }
    fn method(
        number: ::core::primitive::u16,
    ) -> ::core::option::Option<::multiproc::__private::Method<Self>> {
        match number {
            0 => {
                ::core::option::Option::Some(
                    ::multiproc::__private::Method::Shared(|object, job| {
                        let (result,) = Numbers::<T, { N }>::__largest_codecs();
                        job.begin()?;
                        let value = Self::largest(object);
                        job.reply(&result, &value)
                    }),
                )
            }
            _ => ::core::option::Option::None,
        }
    }
}
