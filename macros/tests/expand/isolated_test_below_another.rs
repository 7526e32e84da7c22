fn waits() {
    body
}
::core::compile_error! {
    "test `waits` is made a test by an attribute above, too: it would be two tests\nhelp: remove that one; for an `async` test, write `#[multiproc::test(runtime = path)]`"
}
