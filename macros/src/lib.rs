//! The attributes and the derive of `multiproc`. They are documented on their re-exports in the
//! `multiproc` crate, whose items the generated code names.

#![forbid(unsafe_code)]

mod worker;

mod service;

mod test;

mod startup;

mod shareable;

mod attributes;
mod errors;
mod externs;
mod function;
mod header;
mod options;
mod paths;
mod place;
mod quantity;
mod remote;
mod wording;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

#[expect(missing_docs, reason = "it would stand behind that of the re-export")]
#[proc_macro_attribute]
pub fn worker(options: TokenStream, item: TokenStream) -> TokenStream {
    worker::worker(options.into(), &item.into()).into()
}

#[expect(missing_docs, reason = "as above")]
#[proc_macro_attribute]
pub fn service(options: TokenStream, item: TokenStream) -> TokenStream {
    service::service(options.into(), &item.into()).into()
}

#[expect(missing_docs, reason = "as above")]
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    test::test(options.into(), &item.into()).into()
}

#[expect(missing_docs, reason = "as above")]
#[proc_macro_attribute]
pub fn startup(options: TokenStream, item: TokenStream) -> TokenStream {
    startup::startup(options.into(), &item.into()).into()
}

#[expect(missing_docs, reason = "as above")]
#[proc_macro_derive(Shareable, attributes(shareable))]
pub fn shareable(item: TokenStream) -> TokenStream {
    shareable::shareable(item.into()).into()
}
