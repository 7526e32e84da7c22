//! Tests that are made of one function and several values, as `#[rstest]` and `#[test_case]` make them:
//! the function, and beside it a module of tests that call it and have its attributes.

use std::num::ParseIntError;
use std::sync::atomic::{AtomicUsize, Ordering};

static RUNS: AtomicUsize = AtomicUsize::new(0);

macro_rules! cases {
    (
        $attributes:tt
        fn $name:ident($parameter:ident: $ty:ty) -> $result:ty $body:block
        $($case:ident($value:expr))*
    ) => {
        fn $name($parameter: $ty) -> $result $body

        mod $name {
            use super::*;

            $(case! { $attributes $case $name($value) -> $result })*
        }
    };
}

macro_rules! case {
    ({ $($attribute:tt)* } $case:ident $name:ident($value:expr) -> $result:ty) => {
        $($attribute)*
        fn $case() -> $result {
            let value = $value;
            $name(value)
        }
    };
}

cases! {
    { #[multiproc::test] }
    fn odd(number: u32) -> () {
        assert_eq!(number % 2, 1);
        assert_eq!(RUNS.fetch_add(1, Ordering::Relaxed), 0);
    }
    case_1(1)
    case_2(3)
    case_3_five(5)
}

cases! {
    { #[multiproc::test] }
    fn parsed(text: &str) -> Result<(), ParseIntError> {
        assert_eq!(text.parse::<u32>()?, 7);
        Ok(())
    }
    case_1("7")
    case_2("07")
}

cases! {
    { #[multiproc::test(timeout = "50s")] #[should_panic(expected = "it is not four")] }
    fn panicking(number: u32) -> () {
        assert_eq!(number, 4, "it is not four");
    }
    case_1(1)
    case_2(2)
}

cases! {
    { #[multiproc::test(exits = 3)] }
    fn exiting(code: i32) -> () {
        std::process::exit(code);
    }
    case_1(3)
    case_2(0x103)
}
