use multiproc::{ErrorKind, startup, worker};

#[startup]
fn refuse() {
    panic!("not today");
}

#[worker]
fn work() {}

#[test]
fn it_runs() {
    let error = work::run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert_eq!(error.panic().unwrap().message(), "not today");
}
