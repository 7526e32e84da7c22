//! What is done after a thread's locals are gone: in destructors of others, in exit handlers.

use multiproc::StartMethod;

use crate::support::{cases, program, with_method};

cases! {
    in_a_thread
    on_the_first_thread
    in_an_exit_handler
}

fn check_all(place: &str, method: StartMethod) {
    for deed in [
        "send",
        "send-handles",
        "queue",
        "lock",
        "spawn",
        "submit",
        "drop",
        "build",
    ] {
        let mut command = program("late");
        command.args([place, deed]);
        let output = with_method(&mut command, method).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(errors, "", "{deed}");
        let told = String::from_utf8_lossy(&output.stdout);
        assert_eq!(told, "done\n", "{deed}");
        assert!(output.status.success(), "{deed}");
    }
}

fn in_a_thread(method: StartMethod) {
    check_all("thread", method);
}

fn on_the_first_thread(method: StartMethod) {
    check_all("main", method);
}

fn in_an_exit_handler(method: StartMethod) {
    check_all("exit", method);
}
