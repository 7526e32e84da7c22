//! Programs of all kinds: `main` runs once in each, and workers run in none that cannot run them.

use std::fs::{self, Permissions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use multiproc::{StartMethod, worker};
use rustix::fs::StatVfsMountFlags;

use crate::support::{Running, cases, check, program, returns, run_apart, with_method};

cases! {
    main_runs_once
    under_libtest_main_runs_once
    a_library_that_was_loaded
    a_library_that_was_loaded_before_the_program
    constructors_that_come_first
    startup_functions_that_start_workers
    a_program_with_rights_of_its_own
    a_program_that_can_only_be_executed
    a_program_that_cannot_be_a_fork_server
    children_that_die_in_a_constructor
    children_that_hang_in_a_constructor
    an_image_that_was_replaced
    a_program_without_arguments
    a_marker_that_was_set_by_hand
}

/// A place for a file that this test alone uses.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
        Place(place.join(format!("{name}-{}", std::process::id())))
    }

    /// How often `main` ran that was given this place.
    fn runs(&self) -> usize {
        fs::read_to_string(&self.0).map_or(0, |text| text.lines().count())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[track_caller]
pub(crate) fn check_output(output: &Output, expected: &str) {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        expected,
        "{errors}"
    );
    assert!(output.status.success(), "{}: {errors}", output.status);
    assert_eq!(errors, "");
}

fn main_runs_once(method: StartMethod) {
    let place = Place::new("main");
    let output = with_method(program("quiet").arg(&place.0), method).output();
    check_output(&output.unwrap(), "42\n");
    assert_eq!(place.runs(), 1);
}

#[worker]
fn triple(number: u32) -> u32 {
    number * 3
}

/// This program's `main` is libtest's; it would run this test again.
fn under_libtest_main_runs_once(method: StartMethod) {
    for number in 0..10 {
        check(method, triple::call(number), returns(number * 3));
    }
}

/// The library that the tests' own crate is built as, beside the programs.
pub(crate) fn library() -> PathBuf {
    let programs = Path::new(env!("CARGO_BIN_EXE_program")).parent().unwrap();
    ["deps/libmultiproc_tests.so", "libmultiproc_tests.so"]
        .map(|name| programs.join(name))
        .into_iter()
        .find(|path| path.exists())
        .expect("cargo has built the library")
}

/// Its workers cannot be started, because a new process of the program would not have it.
fn a_library_that_was_loaded(method: StartMethod) {
    let mut command = program("program");
    command.arg("load").arg(library());
    let output = with_method(&mut command, method).output().unwrap();
    check_output(&output, "0\n0\n2\n");
}

/// Its hook runs first, and leaves the program's children to the program.
fn a_library_that_was_loaded_before_the_program(method: StartMethod) {
    let mut command = program("early");
    command.env("EARLY", "nothing").env("LD_PRELOAD", library());
    let output = with_method(&mut command, method).output().unwrap();
    check_output(&output, "Ok(7)\n");
}

fn early(what: &str, method: StartMethod) -> Output {
    let mut command = program("early");
    command.env("EARLY", what).stdin(Stdio::null());
    with_method(&mut command, method).output().unwrap()
}

/// They run before it is known whether this process is a child, so they can start none.
fn constructors_that_come_first(method: StartMethod) {
    check_output(&early("spawn", method), "Unsupported\nOk(7)\n");
    check_output(&early("nothing", method), "Ok(7)\n");
}

/// Each of those would run them first, and so start another.
fn startup_functions_that_start_workers(method: StartMethod) {
    let mut command = program("program");
    command.arg("start-in-startup");
    let output = with_method(&mut command, method).output().unwrap();
    check_output(&output, "Unsupported\n7\n");
}

/// Whoever executes such a program could send its children orders in the name of another user.
fn a_program_with_rights_of_its_own(method: StartMethod) {
    // Where everybody can execute it.
    let directory = std::env::temp_dir();
    let place = Place(directory.join(format!("set-user-id-{}", std::process::id())));
    let mount = rustix::fs::statvfs(&directory).unwrap();
    if !rustix::process::geteuid().is_root() || mount.f_flag.contains(StatVfsMountFlags::NOSUID) {
        // Only the superuser can run a program as somebody who has fewer rights than its file.
        return;
    }
    fs::copy(env!("CARGO_BIN_EXE_early"), &place.0).unwrap();
    fs::set_permissions(&place.0, Permissions::from_mode(0o4755)).unwrap();
    let nobody = 65534;
    let mut command = Command::new(&place.0);
    command.env("EARLY", "nothing").uid(nobody).gid(nobody);
    let output = with_method(&mut command, method).output().unwrap();
    let output = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.starts_with("Err(worker `seven` cannot run in a process: the program has more"),
        "{output}"
    );
    let (socket, _other_end) = UnixStream::pair().unwrap();
    let mut command = Command::new(&place.0);
    command
        .env("MULTIPROC_CHILD", "worker:0")
        .uid(nobody)
        .gid(nobody);
    let output = command.stdin(OwnedFd::from(socket)).output().unwrap();
    assert_eq!(output.status.code(), Some(70));
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains("more rights than the user who started it"),
        "{message}"
    );
}

/// The kernel hides from such a program how it was executed.
fn a_program_that_can_only_be_executed(method: StartMethod) {
    // Where everybody can execute it.
    let place = std::env::temp_dir().join(format!("execute-only-{}", std::process::id()));
    let place = Place(place);
    if !rustix::process::geteuid().is_root() {
        // One's own program can be made readable again.
        return;
    }
    fs::copy(env!("CARGO_BIN_EXE_program"), &place.0).unwrap();
    fs::set_permissions(&place.0, Permissions::from_mode(0o111)).unwrap();
    let nobody = 65534;
    let mut command = Command::new(&place.0);
    command.arg("square").uid(nobody).gid(nobody);
    let output = with_method(&mut command, method).output().unwrap();
    check_output(
        &output,
        &format!("{}7\n", format!("{method:?}\n7\n").repeat(3)),
    );
}

/// It is tried once, and then the program is executed for each call.
fn a_program_that_cannot_be_a_fork_server(method: StartMethod) {
    let output = early("give-up", method);
    let errors = String::from_utf8_lossy(&output.stderr);
    let expected = match method {
        StartMethod::ForkServer => "no fork server\n",
        _ => "",
    };
    assert_eq!(errors, expected);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(told, "Ok(7)\n".repeat(3));
}

fn children_that_die_in_a_constructor(method: StartMethod) {
    let killed = "Signaled: worker `seven` was killed by SIGKILL before it received its arguments";
    check_output(&early("kill", method), &format!("{killed}\n{killed}\n"));
    let exited = "Exited: worker `seven` exited with code 0 before it received its arguments without returning a value";
    check_output(&early("exit", method), &format!("{exited}\n{exited}\n"));
}

fn children_that_hang_in_a_constructor(method: StartMethod) {
    if method == StartMethod::ForkServer {
        // It waits for its server first, and then as if it had none.
        return;
    }
    let begun = std::time::Instant::now();
    let hung = "Spawn: worker `seven` was killed because its process did not start in time";
    let timed_out = "TimedOut: worker `seven` was killed because it exceeded its timeout";
    check_output(&early("hang", method), &format!("{timed_out}\n{hung}\n"));
    assert!(begun.elapsed() < Duration::from_secs(60));
}

fn an_image_that_was_replaced(method: StartMethod) {
    let place = Place::new("image");
    fs::copy(env!("CARGO_BIN_EXE_program"), &place.0).unwrap();
    let mut running = Running::start(with_method(Command::new(&place.0).arg("replaced"), method));
    assert_eq!(running.line(), "Ok(2)");
    // Another program in its place: it would tell of that.
    fs::remove_file(&place.0).unwrap();
    fs::copy("/bin/ls", &place.0).unwrap();
    drop(running.child.stdin.take());
    assert_eq!(running.line(), "Ok(3)");
    assert!(running.child.wait().unwrap().success());
    assert_eq!(running.rest(), "");
}

/// Not even its name is there.
fn a_program_without_arguments(method: StartMethod) {
    let mut command = program("early");
    command.env("EARLY", "nothing");
    command.arg0("");
    let output = with_method(&mut command, method).output().unwrap();
    check_output(&output, "Ok(7)\n");
}

/// Such a process cannot be the program, because it might be a child, nor a child.
fn a_marker_that_was_set_by_hand(method: StartMethod) {
    let (socket, _other_end) = UnixStream::pair().unwrap();
    let (reader, _writer) = std::io::pipe().unwrap();
    for marker in [
        "",
        "0",
        "1",
        "7",
        "-1",
        "nonsense",
        "worker",
        "worker:",
        "worker:0",
        "worker:1",
        "worker:999",
        "worker:-1",
        "worker:x",
        "fork-server:0",
        "fork-server:999",
        "other:0",
    ] {
        let inputs: [Stdio; 3] = [
            Stdio::null(),
            reader.try_clone().unwrap().into(),
            OwnedFd::from(socket.try_clone().unwrap()).into(),
        ];
        for input in inputs {
            let place = Place::new("marked");
            let mut command = program("quiet");
            command
                .arg(&place.0)
                .stdin(input)
                .env("MULTIPROC_CHILD", marker);
            let mut process = with_method(&mut command, method)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            // One that has a connection to its parent waits for what it is to do.
            if marker.ends_with(":0") && process.try_wait().unwrap().is_none() {
                std::thread::sleep(Duration::from_millis(20));
                let _ = process.kill();
            }
            let output = process.wait_with_output().unwrap();
            assert_eq!(place.runs(), 0, "{marker}");
            assert_eq!(String::from_utf8_lossy(&output.stdout), "");
            if std::os::unix::process::ExitStatusExt::signal(&output.status) != Some(libc::SIGKILL)
            {
                assert_eq!(output.status.code(), Some(70), "{marker}");
                let told = String::from_utf8_lossy(&output.stderr);
                assert!(told.starts_with("multiproc: MULTIPROC_CHILD"), "{told}");
            }
        }
    }
}

/// No unwinding, no symbols, nothing that is not used.
#[test]
fn a_program_built_to_be_small() {
    // Not under the deadline, the first time.
    build_small();
    run_apart(module_path!(), "a_program_built_to_be_small", || {
        for method in [StartMethod::Spawn, StartMethod::ForkServer] {
            let mut command = Command::new(build_small());
            let output = with_method(command.arg("panic"), method).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            let lines: Vec<_> = text.lines().collect();
            let [seven, kind, error, signal, eight] = &lines[..] else {
                panic!("{text}{}", String::from_utf8_lossy(&output.stderr));
            };
            assert_eq!((*seven, *kind, *eight), ("7", "Panicked", "8"));
            assert_eq!(*signal, "Some(6)");
            let begins = "worker `panics` panicked: boom 7, at tests/bin/program.rs:";
            assert!(error.starts_with(begins), "{error}");
            assert!(output.status.success());
        }
    });
}

fn build_small() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("small");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--offline", "--bin", "program"])
        .args([
            "--manifest-path",
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
        ])
        .arg("--target-dir")
        .arg(&target)
        .env("CARGO_PROFILE_DEV_PANIC", "abort")
        .env("CARGO_PROFILE_DEV_LTO", "fat")
        .env("CARGO_PROFILE_DEV_CODEGEN_UNITS", "1")
        .env("CARGO_PROFILE_DEV_STRIP", "symbols")
        .env("CARGO_PROFILE_DEV_DEBUG", "false")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{told}");
    target.join("debug/program")
}
