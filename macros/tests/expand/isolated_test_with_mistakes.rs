#[allow(unused)]
fn exits(code: i32) {
    std::process::exit(code)
}
::core::compile_error! {
    "test `exits` cannot take `code: i32`: the test harness passes no argument\nhelp: make the value in the test; if `#[rstest]` or `#[test_case]` is to pass it, write `#[multiproc::test]` below that"
}
::core::compile_error! {
    "test `exits` cannot have `#[test]`, too: it would be two tests\nhelp: remove it: `#[multiproc::test]` makes the function a test"
}
::core::compile_error! {
    "test `exits` cannot panic and have the option `exits`: its process ends once\nhelp: remove one of the two"
}
