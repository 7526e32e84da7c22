#[multiproc::test(dies = "ABRT")]
fn shortened() {}

#[multiproc::test(dies = "sigsegv")]
fn small() {}

#[multiproc::test(dies = "SIGABORT")]
fn misspelt() {}

#[multiproc::test(dies = "a crash")]
fn invented() {}

#[multiproc::test(dies = "SIGCHLD")]
fn harmless() {}

#[multiproc::test(dies = 6)]
fn numbered() {}

#[multiproc::test(dies = SIGABRT)]
fn bare() {}

fn main() {}
