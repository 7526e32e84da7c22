#[multiproc::test(dies = "SIGABRT", exits = 3)]
fn dies_and_exits() {}

#[multiproc::test(dies = "SIGABRT")]
#[should_panic]
fn dies_and_panics() {}

#[multiproc::test(exits = 3)]
#[should_panic(expected = "three")]
fn exits_and_panics() {}

#[multiproc::test]
#[should_panic]
fn returns_and_panics() -> Result<(), String> {
    Ok(())
}

fn main() {}
