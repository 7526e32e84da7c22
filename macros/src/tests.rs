//! Expansions, compared with the files in `tests/expand`.
//!
//! `BLESS=1 cargo test -p multiproc-macros` writes what the macros produce into the files; the
//! diff is then for people to read.

use std::path::Path;
use std::{env, fs};

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;

use crate::service::service;
use crate::startup::startup;
use crate::test::test as isolated;
use crate::worker::worker;

#[test]
fn plain() {
    let expansion = worker(
        quote!(),
        &quote! {
            /// Doubles.
            pub fn double(number: u32) -> u32 {
                number * 2
            }
        },
    );
    check("plain", expansion);
}

#[test]
fn borrows_and_patterns() {
    let expansion = worker(
        quote!(),
        &quote! {
            #[cfg(unix)]
            #[expect(clippy::too_many_arguments)]
            pub(crate) fn resize(
                path: &Path,
                (width, height): (u32, u32),
                mut quality: f32,
                argument1: &'_ [u8],
                _: (),
            ) -> Result<u64, RemoteError> {
                body
            }
        },
    );
    check("borrows_and_patterns", expansion);
}

#[test]
fn types_that_may_be_refused() {
    let expansion = worker(
        quote!(),
        &quote! {
            fn crop(images: &[Image], sides: Option<Vec<Side>>) -> Image {
                body
            }
        },
    );
    check("types_that_may_be_refused", expansion);
}

#[test]
fn never() {
    let expansion = worker(
        quote!(crate = facade::multiproc),
        &quote! {
            #[deprecated]
            fn exit(code: i32) -> ! {
                std::process::exit(code)
            }
        },
    );
    check("never", expansion);
}

#[test]
fn generic() {
    let expansion = worker(
        quote!(nice = -5, memory = "512MiB"),
        &quote! {
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
        },
    );
    check("generic", expansion);
}

#[test]
fn future() {
    let expansion = worker(
        quote!(
            runtime = rt::block_on,
            timeout = "30s",
            stack = "64MiB",
            before_worker = lock_down
        ),
        &quote! {
            async fn fetch(url: &str) -> Result<String, RemoteError> {
                body
            }
        },
    );
    check("future", expansion);
}

/// The package of compile-fail files has no runtime with such an attribute.
#[test]
fn runtime_stands_below() {
    let expansion = worker(
        quote!(),
        &quote! {
            #[tokio::main(flavor = "current_thread")]
            async fn fetch(url: &str) -> usize {
                body
            }
        },
    );
    check("runtime_stands_below", expansion);
}

#[test]
fn fallback() {
    let expansion = worker(
        quote!(priority = 10),
        &quote! {
            /// Sorts.
            pub async fn sort<T: Ord>(values: &mut [T], #[cfg(unix)] (a, b): (u8, u8)) -> Vec<T> {
                todo!()
            }
        },
    );
    check("fallback", expansion);
}

#[test]
fn startup_function() {
    let expansion = startup(
        quote!(),
        &quote! {
            #[cfg(unix)]
            fn start_logging() {}
        },
    );
    check("startup", expansion);
}

#[test]
fn service_of_an_index() {
    let expansion = service(
        quote!(timeout = "30s", memory = "1GiB"),
        &quote! {
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
                #[request(timeout = "5s")]
                pub fn add(&mut self, word: &str, id: u64) {
                    body
                }
                fn close(self) -> u64 {
                    body
                }
            }
        },
    );
    check("service", expansion);
}

#[test]
fn generic_service() {
    let expansion = service(
        quote!(client = Numbers, queue = 8),
        &quote! {
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
        },
    );
    check("generic_service", expansion);
}

#[test]
fn service_with_threads_and_futures() {
    let expansion = service(
        quote!(
            threads = 4,
            runtime = rt::block_on,
            crate = facade::multiproc
        ),
        &quote! {
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
        },
    );
    check("service_with_threads_and_futures", expansion);
}

#[test]
fn service_with_mistakes() {
    let expansion = service(
        quote!(threads = 0, priority = 3),
        &quote! {
            impl<'a> Index<'a> {
                const LIMIT: usize = 3;
                fn open(path: &'a str) -> Self {
                    body
                }
                /// Finds.
                pub fn find<K: Hash>(&'static self, key: K, other: &Self, _: _) -> impl Iterator<Item = K> {
                    body
                }
                #[request(speed = 3)]
                fn like(self: Box<Self>) -> Option<Self> {
                    body
                }
                fn helper(text: &str) -> String {
                    body
                }
                more! {}
            }
        },
    );
    check("service_with_mistakes", expansion);
}

#[test]
fn isolated_test() {
    let expansion = isolated(
        quote!(timeout = "30s", runtime = block_on),
        &quote! {
            /// Reads.
            #[should_panic(expected = "no file")]
            #[ignore]
            #[expect(unused_variables)]
            pub(crate) async fn reads() {
                body
            }
        },
    );
    check("isolated_test", expansion);
}

#[test]
fn isolated_test_of_a_death() {
    let expansion = isolated(
        quote!(dies = "SIGABRT", crate = facade::multiproc),
        &quote! {
            fn aborts() -> ! {
                std::process::abort()
            }
        },
    );
    check("isolated_test_of_a_death", expansion);
}

#[test]
fn isolated_test_on_conditions() {
    let expansion = isolated(
        quote!(),
        &quote! {
            #[cfg(unix)]
            #[cfg_attr(miri, ignore = "it is slow", allow(unused))]
            #[cfg_attr(debug_assertions, should_panic(expected = "overflow"))]
            fn adds() -> Result<(), String> {
                body
            }
        },
    );
    check("isolated_test_on_conditions", expansion);
}

/// `#[tokio::test]` was expanded before. The package of compile-fail files has no such attribute.
#[test]
fn isolated_test_below_another() {
    let expansion = isolated(
        quote!(),
        &quote! {
            #[::core::prelude::v1::test]
            fn waits() {
                body
            }
        },
    );
    check("isolated_test_below_another", expansion);
}

#[test]
fn isolated_test_with_mistakes() {
    let expansion = isolated(
        quote!(exits = 3),
        &quote! {
            #[should_panic]
            #[test]
            #[allow(unused)]
            fn exits(code: i32) {
                std::process::exit(code)
            }
        },
    );
    check("isolated_test_with_mistakes", expansion);
}

/// A renamed runtime is never called by its default name.
#[test]
fn runtime_is_named_by_the_option_only() {
    let expansions = [
        worker(
            quote!(crate = other),
            &quote!(
                pub fn f(a: u8, (b, c): (u8, u8), d: &str) -> u8 {}
            ),
        ),
        worker(
            quote!(crate = other),
            &quote!(
                fn f() -> ! {}
            ),
        ),
        worker(
            quote!(crate = other),
            &quote!(
                async fn f(a: &mut u8) {}
            ),
        ),
        worker(
            quote!(crate = other, runtime = block_on, timeout = "1s"),
            &quote!(
                async fn f<T: Clone, const N: usize>(a: &[T], b: [T; N]) -> T {}
            ),
        ),
        service(
            quote!(crate = other, threads = 2, timeout = "1s", nice = 3),
            &quote!(
                impl<T> S<T> {
                    fn new(a: T, b: &str) -> Result<Self, Error> {}
                    fn f(&self, (b, c): (u8, Word)) -> u8 {}
                    fn g(&mut self) {}
                }
            ),
        ),
        service(
            quote!(crate = other),
            &quote!(
                impl S {
                    fn f(&self) -> &u8 {}
                }
            ),
        ),
        startup(
            quote!(crate = other),
            &quote!(
                fn f() {}
            ),
        ),
        isolated(
            quote!(crate = other, runtime = block_on, exits = 3),
            &quote!(
                async fn f() {}
            ),
        ),
    ];
    for expansion in expansions {
        assert!(!mentions(expansion.clone(), "multiproc"), "{expansion}");
        assert!(mentions(expansion.clone(), "other"), "{expansion}");
    }
}

/// The same input gives the same tokens: builds are reproducible.
#[test]
fn expansion_is_a_function_of_the_item() {
    let expand = || {
        worker(
            quote!(),
            &quote!(
                fn f<T, U, V>(a: &str, (b, c): (T, U), d: Vec<V>) -> Vec<T> {}
            ),
        )
    };
    assert_eq!(expand().to_string(), expand().to_string());
}

fn check(name: &str, expansion: TokenStream) {
    let file = syn::parse2(expansion).expect("the expansion is a sequence of items");
    let actual = prettyplease::unparse(&file);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/expand/{name}.rs"));
    if env::var_os("BLESS").is_some() {
        fs::write(path, actual).unwrap();
    } else {
        let expected = fs::read_to_string(path).unwrap_or_default();
        assert_eq!(actual, expected, "run with BLESS=1 if this is intended");
    }
}

fn mentions(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions(group.stream(), name),
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
