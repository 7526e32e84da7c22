#[cfg(unix)]
impl Site {
    async fn connect(host: String) -> io::Result<Self> {
        body
    }
    #[cfg(test)]
    #[deprecated]
    async fn fetch(&self, path: &str) -> Vec<u8> {
        body
    }
    fn crash(&mut self) -> ! {
        body
    }
}
#[cfg(unix)]
/// A client of a service that is made of `Site`, in a process of its own: the constructors of `Site` start one, and its methods are requests to it. Clones ask the same service, also from other processes.
struct SiteClient {
    client: facade::multiproc::__private::Client<Self>,
}
#[cfg(unix)]
#[automatically_derived]
impl ::core::clone::Clone for SiteClient {
    fn clone(&self) -> Self {
        facade::multiproc::__private::ServiceClient::from_client(
            ::core::clone::Clone::clone(&self.client),
        )
    }
}
#[cfg(unix)]
#[automatically_derived]
impl ::core::fmt::Debug for SiteClient {
    fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        ::core::fmt::Debug::fmt(&self.client, formatter)
    }
}
#[cfg(unix)]
#[automatically_derived]
impl facade::multiproc::__private::serde::Serialize for SiteClient {
    fn serialize<__S: facade::multiproc::__private::serde::Serializer>(
        &self,
        serializer: __S,
    ) -> ::core::result::Result<__S::Ok, __S::Error> {
        facade::multiproc::__private::serde::Serialize::serialize(
            &self.client,
            serializer,
        )
    }
}
#[cfg(unix)]
#[automatically_derived]
impl<'de> facade::multiproc::__private::serde::Deserialize<'de> for SiteClient {
    fn deserialize<__D: facade::multiproc::__private::serde::Deserializer<'de>>(
        deserializer: __D,
    ) -> ::core::result::Result<Self, __D::Error> {
        let client = facade::multiproc::__private::serde::Deserialize::deserialize(
            deserializer,
        )?;
        ::core::result::Result::Ok(
            facade::multiproc::__private::ServiceClient::from_client(client),
        )
    }
}
#[cfg(unix)]
impl facade::multiproc::__private::ServiceClient for SiteClient {
    fn from_client(client: facade::multiproc::__private::Client<Self>) -> Self {
        SiteClient { client }
    }
    fn as_client(&self) -> &facade::multiproc::__private::Client<Self> {
        &self.client
    }
}
#[cfg(unix)]
impl SiteClient {
    /// Describes a service that `Site::connect` makes. Nothing is started yet.
    fn connect(host: String) -> facade::multiproc::__private::Launch<'static, Self> {
        let (codec0,) = Self::__connect_codecs();
        facade::multiproc::__private::launch(
            Self::__entry(),
            0,
            64,
            ::std::vec![codec0.own(host)],
        )
    }
    #[cfg(test)]
    #[deprecated]
    /// A request to call `Site::fetch`. Nothing is sent yet.
    fn fetch<'call>(
        &'call self,
        path: &'call str,
    ) -> facade::multiproc::__private::Request<'call, Vec<u8>> {
        let (codec0, result) = Self::__fetch_codecs();
        let info = facade::multiproc::__private::RequestInfo {
            number: 0,
            name: "fetch",
            service: "Site",
            timeout: ::core::option::Option::None,
        };
        facade::multiproc::__private::request(
            &self.client,
            info,
            ::std::vec![codec0.lend(path)],
            result,
        )
    }
    /// A request to call `Site::crash`. Nothing is sent yet.
    fn crash<'call>(
        &'call self,
    ) -> facade::multiproc::__private::Request<'call, ::core::convert::Infallible> {
        let (result,) = Self::__crash_codecs();
        let info = facade::multiproc::__private::RequestInfo {
            number: 1,
            name: "crash",
            service: "Site",
            timeout: ::core::option::Option::None,
        };
        facade::multiproc::__private::request(&self.client, info, ::std::vec![], result)
    }
    fn __entry() -> &'static facade::multiproc::__private::Entry {
        use facade::multiproc::__private::macros::register as __register;
        __register!(
            < facade::multiproc::__private::Entry > ::new("Site", ::core::module_path!(),
            ::core::file!(), ::core::line!(), | job |
            facade::multiproc::__private::serve_in_parallel:: < Site > (job, 4),)
            .service()
        )
    }
    fn __connect_codecs() -> (facade::multiproc::__private::OwnedCodec<String>,) {
        (<String as facade::multiproc::__private::Payload>::owned(),)
    }
    #[cfg(test)]
    #[allow(deprecated)]
    fn __fetch_codecs() -> (
        facade::multiproc::__private::BorrowedCodec<str>,
        facade::multiproc::__private::ResultCodec<Vec<u8>>,
    ) {
        (
            <str as facade::multiproc::__private::PayloadRef>::borrowed(),
            <Vec<u8> as facade::multiproc::__private::Payload>::result(),
        )
    }
    fn __crash_codecs() -> (
        facade::multiproc::__private::ResultCodec<::core::convert::Infallible>,
    ) {
        (facade::multiproc::__private::never(),)
    }
}
#[cfg(unix)]
#[automatically_derived]
impl facade::multiproc::__private::Served for Site {
    fn construct(
        constructor: ::core::primitive::u16,
        job: &mut facade::multiproc::__private::Job<'_>,
    ) -> ::core::result::Result<Self, facade::multiproc::__private::Unbuilt> {
        match constructor {
            0 => {
                let (codec0,) = SiteClient::__connect_codecs();
                let argument0 = job.argument(&codec0)?;
                job.begin()?;
                match rt::block_on(Self::connect(argument0)) {
                    ::core::result::Result::Ok(service) => {
                        ::core::result::Result::Ok(service)
                    }
                    ::core::result::Result::Err(error) => {
                        ::core::result::Result::Err(
                            facade::multiproc::__private::constructor_failed(
                                "connect",
                                &error,
                            ),
                        )
                    }
                }
            }
            _ => ::core::unreachable!(),
        }
    }
    fn method(
        number: ::core::primitive::u16,
    ) -> ::core::option::Option<facade::multiproc::__private::Method<Self>> {
        match number {
            #[cfg(test)]
            #[allow(deprecated)]
            0 => {
                ::core::option::Option::Some(
                    facade::multiproc::__private::Method::Shared(|object, job| {
                        let (codec0, result) = SiteClient::__fetch_codecs();
                        let argument0 = job.argument(&codec0)?;
                        job.begin()?;
                        let value: Vec<u8> = rt::block_on(
                            Self::fetch(object, &*argument0),
                        );
                        job.reply(&result, &value)
                    }),
                )
            }
            1 => {
                ::core::option::Option::Some(
                    facade::multiproc::__private::Method::Exclusive(|object, job| {
                        let (_,) = SiteClient::__crash_codecs();
                        job.begin()?;
                        Self::crash(object)
                    }),
                )
            }
            _ => ::core::option::Option::None,
        }
    }
}
