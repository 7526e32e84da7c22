//! Generated code finds what it needs, whatever the names around it mean.
#![no_implicit_prelude]
#![allow(dead_code, non_camel_case_types, unused_macros)]

mod core {}
mod std {}
mod alloc {}
mod serde {}
mod linkme {}

struct Result;
struct Option;
struct Box;
struct Vec;
struct String;
struct Ok;
struct Err;
struct Some;
struct None;
struct Call;
struct Process;
struct Entry;
struct Payload;
struct Job;
trait Into {}
trait From {}
trait Iterator {}
trait Deref {}
trait Drop {}
trait Copy {}
trait Send {}

macro_rules! vec {
    ($($tokens:tt)*) => {
        ::core::compile_error!("not this one")
    };
}
macro_rules! panic {
    ($($tokens:tt)*) => {
        ::core::compile_error!("not this one")
    };
}
macro_rules! line {
    ($($tokens:tt)*) => {
        ::core::compile_error!("not this one")
    };
}
macro_rules! concat {
    ($($tokens:tt)*) => {
        ::core::compile_error!("not this one")
    };
}
macro_rules! module_path {
    ($($tokens:tt)*) => {
        ::core::compile_error!("not this one")
    };
}

#[::multiproc::worker]
fn length(text: &str, more: ::std::string::String, (a, b): (u8, u8)) -> usize {
    let _ = more;
    text.len() + a as usize + b as usize
}

#[::multiproc::worker]
fn nothing() {}

#[::multiproc::worker]
fn forever() -> ! {
    ::std::process::exit(1)
}

#[::multiproc::worker(timeout = "1min", nice = 1, before_worker = before)]
fn generic<T: ::std::clone::Clone, const N: usize>(text: &T, more: [T; N]) -> usize {
    let _ = text;
    more.len()
}

#[::multiproc::worker(runtime = block_on)]
async fn future(text: &str) -> usize {
    text.len()
}

fn block_on<F: ::std::future::Future>(future: F) -> F::Output {
    use ::std::task::{Context, Poll, Waker};

    let mut context = Context::from_waker(Waker::noop());
    match ::std::pin::pin!(future).poll(&mut context) {
        Poll::Ready(output) => output,
        Poll::Pending => ::std::process::abort(),
    }
}

fn before() {}

#[::multiproc::startup]
fn first() {}

struct Index;

#[::multiproc::service(threads = 2, timeout = "1min", runtime = block_on)]
impl Index {
    fn new() -> Self {
        Index
    }

    fn fallible(path: &str) -> ::std::result::Result<Self, ::std::string::String> {
        let _ = path;
        ::std::result::Result::Ok(Index)
    }

    fn perhaps() -> ::std::option::Option<Index> {
        ::std::option::Option::Some(Index)
    }

    async fn find(&self, word: &str) -> usize {
        word.len()
    }

    #[request(timeout = "1s")]
    fn add(&mut self, (a, b): (u8, u8)) -> ::std::vec::Vec<u8> {
        ::std::vec![a, b]
    }

    fn close(self) {}
}

struct Holder<T> {
    value: T,
}

#[::multiproc::service]
impl<T: ::std::clone::Clone> Holder<T> {
    fn new(value: T) -> Self {
        Holder { value }
    }

    fn get(&self) -> T {
        self.value.clone()
    }
}

#[::multiproc::test(runtime = block_on, before_worker = before)]
async fn isolated() -> ::std::result::Result<(), ::std::string::String> {
    ::std::result::Result::Ok(())
}

#[::multiproc::test(exits = 1)]
fn exiting() -> ! {
    ::std::process::exit(1)
}

#[::core::prelude::v1::test]
fn it_runs() {
    let process = length::spawn("text", ::std::string::String::new(), (1, 2));
    let length = process.and_then(|process| process.join());
    ::core::assert!(::core::matches!(length, ::core::result::Result::Ok(7)));
    ::core::assert!(::core::matches!(
        generic::run(&1, [2, 3]),
        ::core::result::Result::Ok(2)
    ));
    ::core::assert!(::core::matches!(
        future::run("text"),
        ::core::result::Result::Ok(4)
    ));
    ::core::assert!(nothing::run().is_ok());
    ::core::assert!(forever::run().is_err());
    let index = IndexClient::new().spawn();
    let found = index.and_then(|index| index.find("text").run());
    ::core::assert!(::core::matches!(found, ::core::result::Result::Ok(4)));
    let holder = HolderClient::new(5).spawn();
    let value = holder.and_then(|holder| holder.get().run());
    ::core::assert!(::core::matches!(value, ::core::result::Result::Ok(5)));
}
