use multiproc::{ErrorKind, worker};

#[worker]
fn exit(code: i32) -> ! {
    std::process::exit(code)
}

#[worker]
fn exit_now() -> ! {
    std::process::exit(4)
}

#[worker]
fn fail(reason: &str) -> ! {
    panic!("{reason}")
}

#[test]
fn it_runs() {
    let error = exit::run(3).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exited);
    assert_eq!(error.exit_status().unwrap().code(), Some(3));

    let error = exit_now::run().unwrap_err();
    assert_eq!(error.exit_status().unwrap().code(), Some(4));

    let error = fail::run("on purpose").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert_eq!(error.panic().unwrap().message(), "on purpose");
}
