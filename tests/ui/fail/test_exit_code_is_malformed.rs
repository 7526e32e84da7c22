#[multiproc::test(exits = 256)]
fn large() {}

#[multiproc::test(exits = -1)]
fn negative() {}

#[multiproc::test(exits = 3u8)]
fn typed() {}

#[multiproc::test(exits = "3")]
fn quoted() {}

#[multiproc::test(exits)]
fn missing() {}

fn main() {}
