//! Which functions of a stack are shown: those of the user.

use std::fmt::Write;

/// Whether a function is below the worker: what the macro generates for each worker, what calls that,
/// and what std has below a thread. It is the same for all, and not shown.
pub(crate) fn is_machinery(function: &str) -> bool {
    function.ends_with("::__dispatch")
        || function.contains("multiproc::dispatch::")
        || function.contains("multiproc::process::linux::serve::prepare")
        || function.contains("__rust_begin_short_backtrace")
}

/// Whether a function is part of the way from a panic to the hook that is told of it.
fn is_of_panic(function: &str) -> bool {
    [
        "__rustc::rust_begin_unwind",
        "rust_begin_unwind",
        "core::panicking::",
        "std::panicking::",
    ]
    .iter()
    .any(|start| function.starts_with(start))
}

/// A backtrace of std's that was captured in a panic hook, from where the panic began to the worker. One
/// in which that cannot be found stays as it is.
pub(crate) fn shorten(backtrace: &str) -> String {
    let functions = functions(backtrace);
    let is_begin = |function: &Function<'_>| function.name.contains("__rust_end_short_backtrace");
    let Some(begin) = functions.iter().position(is_begin) else {
        return backtrace.to_owned();
    };
    let shown = functions[begin + 1..]
        .iter()
        .skip_while(|function| is_of_panic(function.name))
        .take_while(|function| !is_machinery(function.name));
    let mut text = String::new();
    for (depth, function) in shown.enumerate() {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{depth:4}: {}", function.name);
        for place in &function.places {
            let _ = writeln!(text, "{place}");
        }
    }
    text
}

/// A function in a backtrace.
struct Function<'b> {
    name: &'b str,
    /// The lines that say where it is.
    places: Vec<&'b str>,
}

/// The functions in a backtrace of std's, which has a number before each that is not inlined into the
/// next one, and lines that begin with `at`.
fn functions(backtrace: &str) -> Vec<Function<'_>> {
    let mut functions: Vec<Function<'_>> = Vec::new();
    for line in backtrace.lines() {
        let text = line.trim_start();
        match functions.last_mut() {
            Some(function) if text.starts_with("at ") => function.places.push(line),
            _ => functions.push(Function {
                name: without_number(text),
                places: Vec::new(),
            }),
        }
    }
    functions
}

fn without_number(text: &str) -> &str {
    match text.split_once(": ") {
        Some((number, name)) if number.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKTRACE: &str = "   0: multiproc::dispatch::panic::describe
             at ./runtime/src/dispatch/panic.rs:80:21
   1: std::panicking::panic_with_hook
             at /rustc/library/std/src/panicking.rs:833:13
   2: std::sys::backtrace::__rust_end_short_backtrace
             at /rustc/library/std/src/sys/backtrace.rs:174:18
   3: __rustc::rust_begin_unwind
   4: core::panicking::panic_fmt
             at /rustc/library/core/src/panicking.rs:75:14
   5: core::option::expect_failed
   6: core::option::Option<T>::expect
      inlined::first
             at ./src/lib.rs:3:9
   7: <a::Type as b::Trait>::second: with a colon
             at ./src/lib.rs:23:9
   8: decode::decode::__dispatch
             at ./src/lib.rs:20:1
   9: multiproc::dispatch::run::run
";

    #[test]
    fn the_functions_of_the_user_are_shown() {
        let expected = "   0: core::option::expect_failed
   1: core::option::Option<T>::expect
   2: inlined::first
             at ./src/lib.rs:3:9
   3: <a::Type as b::Trait>::second: with a colon
             at ./src/lib.rs:23:9
";
        assert_eq!(shorten(BACKTRACE), expected);
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_is() {
        for backtrace in [
            "",
            "   0: <unknown>\n   1: <unknown>\n",
            "no backtrace at all",
        ] {
            assert_eq!(shorten(backtrace), backtrace);
        }
        let cut_off = BACKTRACE.split_once("   3:").unwrap().0;
        assert_eq!(shorten(cut_off), "");
    }
}
