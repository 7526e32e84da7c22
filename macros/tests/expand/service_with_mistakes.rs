impl<'a> Index<'a> {
    const LIMIT: usize = 3;
    fn open(path: &'a str) -> Self {
        body
    }
    /// Finds.
    pub fn find<K: Hash>(
        &'static self,
        key: K,
        other: &Self,
        _: _,
    ) -> impl Iterator<Item = K> {
        body
    }
    fn like(self: Box<Self>) -> Option<Self> {
        body
    }
    fn helper(text: &str) -> String {
        body
    }
    more! {}
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
    /// `open`, which has mistakes.
    fn open(path: &'static str) -> ::multiproc::__private::Launch<'static, Self> {
        ::core::unreachable!()
    }
    #[cfg_attr(not(doctest), doc = r" Finds.")]
    /// `find`, which has mistakes.
    pub fn find<K: Hash>(
        &self,
        key: K,
        other: &Index<'static>,
        argument2: impl ::core::marker::Sized,
    ) -> ::multiproc::__private::Request<'_, ()> {
        ::core::unreachable!()
    }
    /// `like`, which has mistakes.
    fn like(&self) -> ::multiproc::__private::Request<'_, Option<Index<'static>>> {
        ::core::unreachable!()
    }
}
::core::compile_error! {
    "service `Index` has the unknown option `priority`\nhelp: known options: `crate = ::facade::multiproc`, `runtime = block_on`, `timeout = \"30s\"`, `memory = \"512MiB\"`, `stack = \"64MiB\"`, `nice = 10`, `before_worker = lock_down`, `client = Handle`, `queue = 64`, `threads = 4`"
}
::core::compile_error! {
    "service `Index` cannot have 0 for its option `threads`\nhelp: write a number from 1, as in `threads = 4`"
}
::core::compile_error! {
    "service `Index` cannot name the lifetime `'a`: it borrows nothing, as it is made in a process of its own\nhelp: write `'static` in the place of `'a`"
}
::core::compile_error! {
    "service `Index` cannot have a constant here: this `impl` holds its constructors and requests\nhelp: put it into another `impl`"
}
::core::compile_error! {
    "service `Index` cannot have a macro here: this `impl` holds its constructors and requests\nhelp: put it into another `impl`"
}
::core::compile_error! {
    "request `find` of service `Index` cannot borrow the service for `'static`: it is lent for one request\nhelp: leave the lifetime out"
}
::core::compile_error! {
    "request `find` of service `Index` cannot be generic over `K`: a service has one function for each request\nhelp: name a parameter of the `impl`, or take an `enum` of the types it can be"
}
::core::compile_error! {
    "request `find` of service `Index` cannot take `Self`: the service does not leave its process\nhelp: write a type that holds what others need to know of it"
}
::core::compile_error! {
    "request `find` of service `Index` cannot take `_`: both processes must know which type it is\nhelp: write the type"
}
::core::compile_error! {
    "request `find` of service `Index` cannot return `impl Iterator<Item = K>`: both processes must know which type it is\nhelp: write a concrete type"
}
::core::compile_error! {
    "request `like` of service `Index` cannot take `self: Box<Self>`: there is nothing around the service in its process\nhelp: write `&self`, `&mut self` or `self`"
}
::core::compile_error! {
    "request `like` of service `Index` cannot return `Self`: the service does not leave its process\nhelp: write a type that holds what others need to know of it"
}
::core::compile_error! {
    "request `like` of service `Index` has the unknown option `speed`\nhelp: known options: `timeout = \"30s\"`"
}
::core::compile_error! {
    "function `helper` of service `Index` is neither a constructor, which gives `Self`, nor a request, which takes `&self`, `&mut self` or `self`\nhelp: put helpers into another `impl`"
}
