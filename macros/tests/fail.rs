//! What the compiler says where the macros are, and the library is not.

#[test]
fn mistakes() {
    trybuild::TestCases::new().compile_fail("tests/fail/*.rs");
}
