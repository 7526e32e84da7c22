//! What the compiler says where nothing is called `multiproc`. See `../ui/README.md`.

#[test]
fn mistakes() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}
