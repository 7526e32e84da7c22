//! How does a program go on using a C library that crashes?
//!
//! The library, a calculator in `calculator.c`, has one state for the whole process, and crashes if it is
//! given what it does not expect. It lives in a service with restarts: the request that it crashes on
//! fails, with the reason. Those that wait are answered by the next process, in which the library is set up
//! anew.
//!
//! ```text
//! cargo run --example supervised
//! ```

use std::error::Error;
use std::ffi::CString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use multiproc::{RemoteError, ServiceEvent, Stdio, service};

use self::library::Library;

/// The C library, as a cautious wrapper would expose it.
mod library {
    #![expect(unsafe_code, reason = "a C library is called")]
    #![expect(clippy::unused_self, reason = "its owner is alone in the library")]

    use std::ffi::{CStr, c_char, c_long};
    use std::sync::atomic::{AtomicBool, Ordering};

    // SAFETY: the functions have these types there.
    unsafe extern "C" {
        fn calculator_set(name: u8, value: c_long);
        fn calculator_value(text: *const c_char) -> c_long;
    }

    static IS_OPEN: AtomicBool = AtomicBool::new(false);

    /// The one state of the library in this process.
    pub struct Library(());

    impl Library {
        pub fn open() -> Result<Library, String> {
            if IS_OPEN.swap(true, Ordering::Relaxed) {
                return Err("the library is in use in this process".to_owned());
            }
            Ok(Library(()))
        }

        pub fn set(&mut self, name: char, value: i64) {
            assert!(name.is_ascii_lowercase(), "{name:?} is no name");
            // SAFETY: it is a name, and no other thread is in the library, of which there is one owner.
            unsafe { calculator_set(name as u8, value) }
        }

        pub fn value(&mut self, text: &CStr) -> i64 {
            // SAFETY: the text ends with a zero byte, and no other thread is in the library. What it does
            // not expect crashes the process, which has nothing to lose.
            unsafe { calculator_value(text.as_ptr()) }
        }
    }
}

struct Calculator {
    library: Library,
}

#[service]
impl Calculator {
    /// Runs again, on the same variables, after a crash.
    fn new(variables: &[(char, i64)]) -> Result<Self, String> {
        let mut library = Library::open()?;
        for (name, value) in variables {
            library.set(*name, *value);
        }
        Ok(Calculator { library })
    }

    fn value(&mut self, text: &str) -> Result<i64, RemoteError> {
        Ok(self.library.value(&CString::new(text)?))
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Who reads may have seen enough, as `head` has.
            let error_kind = error.downcast_ref().map(io::Error::kind);
            if error_kind == Some(io::ErrorKind::BrokenPipe) {
                return ExitCode::SUCCESS;
            }
            eprintln!("supervised: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    let calculator = CalculatorClient::new(&[('x', 40), ('y', 2)])
        .restarts(10, Duration::from_mins(1))
        // What the library says before it aborts is in the errors.
        .stderr(Stdio::null())
        .stderr_tail(1000)
        .spawn()?;
    let events = calculator.events();

    let too_deep = "(".repeat(1_000_000);
    let texts = ["x+y", "z+1", "x-y", "(x+y", "", "x-(y-1)", &too_deep, "y-1"];
    // All are in the queue at once, and outlive the processes that crash before their turn comes.
    let requests: Vec<_> = texts
        .iter()
        .map(|text| calculator.value(text).start())
        .collect();
    for (text, request) in texts.iter().zip(requests) {
        let text = format!("{:?}", &text[..text.len().min(7)]);
        match request.wait() {
            Ok(value) => writeln!(out, "{text:10}{}", value?)?,
            Err(error) => {
                writeln!(out, "{text:10}{error}")?;
                if let Some(words) = error.stderr_tail().and_then(|tail| tail.lines().last()) {
                    writeln!(out, "{:10}its last words: {words}", "")?;
                }
            }
        }
    }

    calculator.shutdown()?;
    writeln!(out, "\nWhat has happened to the service meanwhile:")?;
    for event in events {
        match event {
            ServiceEvent::Started { id } => writeln!(out, "process {id} has started")?,
            ServiceEvent::Died(error) => writeln!(out, "{error}")?,
            event => writeln!(out, "{event:?}")?,
        }
    }
    Ok(())
}
