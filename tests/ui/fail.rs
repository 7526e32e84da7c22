//! What the compiler says about mistakes. See `README.md`.

#[test]
fn mistakes() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}
