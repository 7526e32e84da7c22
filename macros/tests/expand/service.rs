impl Index {
    /// Opens the index in a file.
    pub fn open(path: &Path) -> Result<Self, RemoteError> {
        body
    }
    pub(crate) fn empty() -> Self {
        body
    }
    /// The places of a word.
    pub fn find(&self, word: &str) -> Vec<u64> {
        body
    }
    pub fn add(&mut self, word: &str, id: u64) {
        body
    }
    fn close(self) -> u64 {
        body
    }
}
/// A client of a service that is made of `Index`, in a process of its own: the constructors of `Index` start one, and its methods are requests to it. Clones ask the same service, also from other processes.
pub struct IndexClient {
    client: ::multiproc::__private::Client<Self>,
}
#[automatically_derived]
impl ::core::clone::Clone for IndexClient {
    fn clone(&self) -> Self {
        ::multiproc::__private::ServiceClient::from_client(
            ::core::clone::Clone::clone(&self.client),
        )
    }
}
#[automatically_derived]
impl ::core::fmt::Debug for IndexClient {
    fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::fmt::Debug::fmt(&self.client, formatter)
    }
}
#[automatically_derived]
impl ::multiproc::__private::serde::Serialize for IndexClient {
    fn serialize<__S: ::multiproc::__private::serde::Serializer>(
        &self,
        serializer: __S,
    ) -> ::core::result::Result<__S::Ok, __S::Error> {
        ::multiproc::__private::serde::Serialize::serialize(&self.client, serializer)
    }
}
#[automatically_derived]
impl<'de> ::multiproc::__private::serde::Deserialize<'de> for IndexClient {
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
impl ::multiproc::__private::ServiceClient for IndexClient {
    fn from_client(client: ::multiproc::__private::Client<Self>) -> Self {
        IndexClient { client }
    }
    fn as_client(&self) -> &::multiproc::__private::Client<Self> {
        &self.client
    }
}
impl IndexClient {
    #[cfg_attr(not(doctest), doc = r" Opens the index in a file.")]
    ///
    /// Describes a service that `Index::open` makes. Nothing is started yet.
    pub fn open<'call>(
        path: &'call Path,
    ) -> ::multiproc::__private::Launch<'call, Self> {
        let (codec0,) = Self::__open_codecs();
        ::multiproc::__private::launch(
            Self::__entry(),
            0,
            64,
            ::std::vec![codec0.lend(path)],
        )
    }
    /// Describes a service that `Index::empty` makes. Nothing is started yet.
    pub(crate) fn empty() -> ::multiproc::__private::Launch<'static, Self> {
        ::multiproc::__private::launch(Self::__entry(), 1, 64, ::std::vec![])
    }
    #[cfg_attr(not(doctest), doc = r" The places of a word.")]
    ///
    /// A request to call `Index::find`. Nothing is sent yet.
    pub fn find<'call>(
        &'call self,
        word: &'call str,
    ) -> ::multiproc::__private::Request<'call, Vec<u64>> {
        let (codec0, result) = Self::__find_codecs();
        let info = ::multiproc::__private::RequestInfo {
            number: 0,
            name: "find",
            service: "Index",
            timeout: ::core::option::Option::Some(
                ::core::time::Duration::from_millis(30000),
            ),
        };
        ::multiproc::__private::request(
            &self.client,
            info,
            ::std::vec![codec0.lend(word)],
            result,
        )
    }
    /// A request to call `Index::add`. Nothing is sent yet.
    pub fn add<'call>(
        &'call self,
        word: &'call str,
        id: u64,
    ) -> ::multiproc::__private::Request<'call, ()> {
        let (codec0, codec1, result) = Self::__add_codecs();
        let info = ::multiproc::__private::RequestInfo {
            number: 1,
            name: "add",
            service: "Index",
            timeout: ::core::option::Option::Some(
                ::core::time::Duration::from_millis(5000),
            ),
        };
        ::multiproc::__private::request(
            &self.client,
            info,
            ::std::vec![codec0.lend(word), codec1.own(id)],
            result,
        )
    }
    /// A request to call `Index::close`. Nothing is sent yet.
    fn close<'call>(&'call self) -> ::multiproc::__private::Request<'call, u64> {
        let (result,) = Self::__close_codecs();
        let info = ::multiproc::__private::RequestInfo {
            number: 2,
            name: "close",
            service: "Index",
            timeout: ::core::option::Option::Some(
                ::core::time::Duration::from_millis(30000),
            ),
        };
        ::multiproc::__private::request(&self.client, info, ::std::vec![], result)
    }
    fn __entry() -> &'static ::multiproc::__private::Entry {
        use ::multiproc::__private::macros::register as __register;
        __register!(
            < ::multiproc::__private::Entry > ::new("Index", ::core::module_path!(),
            ::core::file!(), ::core::line!(), ::multiproc::__private::serve:: < Index >,)
            .service().memory(1073741824)
        )
    }
    fn __open_codecs() -> (::multiproc::__private::BorrowedCodec<Path>,) {
        (<Path as ::multiproc::__private::PayloadRef>::borrowed(),)
    }
    fn __find_codecs() -> (
        ::multiproc::__private::BorrowedCodec<str>,
        ::multiproc::__private::ResultCodec<Vec<u64>>,
    ) {
        (
            <str as ::multiproc::__private::PayloadRef>::borrowed(),
            <Vec<u64> as ::multiproc::__private::Payload>::result(),
        )
    }
    fn __add_codecs() -> (
        ::multiproc::__private::BorrowedCodec<str>,
        ::multiproc::__private::OwnedCodec<u64>,
        ::multiproc::__private::ResultCodec<()>,
    ) {
        (
            <str as ::multiproc::__private::PayloadRef>::borrowed(),
            <u64 as ::multiproc::__private::Payload>::owned(),
            <() as ::multiproc::__private::Payload>::result(),
        )
    }
    fn __close_codecs() -> (::multiproc::__private::ResultCodec<u64>,) {
        (<u64 as ::multiproc::__private::Payload>::result(),)
    }
}
#[automatically_derived]
impl ::multiproc::__private::Served for Index {
    fn construct(
        constructor: ::core::primitive::u16,
        job: &mut ::multiproc::__private::Job<'_>,
    ) -> ::core::result::Result<Self, ::multiproc::__private::Unbuilt> {
        match constructor {
            0 => {
                let (codec0,) = IndexClient::__open_codecs();
                let argument0 = job.argument(&codec0)?;
                job.begin()?;
                match Self::open(&*argument0) {
                    ::core::result::Result::Ok(service) => {
                        ::core::result::Result::Ok(service)
                    }
                    ::core::result::Result::Err(error) => {
                        ::core::result::Result::Err(
                            ::multiproc::__private::constructor_failed("open", &error),
                        )
                    }
                }
            }
            1 => {
                job.begin()?;
                ::core::result::Result::Ok(Self::empty())
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
                        let (codec0, result) = IndexClient::__find_codecs();
                        let argument0 = job.argument(&codec0)?;
                        job.begin()?;
                        let value = Self::find(object, &*argument0);
                        job.reply(&result, &value)
                    }),
                )
            }
            1 => {
                ::core::option::Option::Some(
                    ::multiproc::__private::Method::Exclusive(|object, job| {
                        let (codec0, codec1, result) = IndexClient::__add_codecs();
                        let argument0 = job.argument(&codec0)?;
                        let argument1 = job.argument(&codec1)?;
                        job.begin()?;
                        let value = Self::add(object, &*argument0, argument1);
                        job.reply(&result, &value)
                    }),
                )
            }
            2 => {
                ::core::option::Option::Some(
                    ::multiproc::__private::Method::Last(|object, job| {
                        let (result,) = IndexClient::__close_codecs();
                        job.begin()?;
                        let value = Self::close(object);
                        job.reply(&result, &value)
                    }),
                )
            }
            _ => ::core::option::Option::None,
        }
    }
}
