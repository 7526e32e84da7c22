//! The program's other constructors.
//!
//! Constructors run in link order, which puts this library's before those of the C and C++ libraries in
//! the same program, and a child never returns from that. So a child runs the rest itself: its
//! worker finds every global constructed, every registry filled.

#![expect(
    unsafe_code,
    reason = "the program's table of constructors is walked as the C runtime does"
)]

use std::ffi::{CString, c_char, c_int};
use std::os::unix::ffi::OsStringExt;
use std::slice;

use super::image;

/// A constructor as the C library calls it.
type Constructor = extern "C" fn(c_int, *const *const c_char, *const *const c_char);

/// A constructor of this library's, as it stands in the table.
pub(crate) type OwnConstructor = extern "C" fn();

/// Calls the constructors that stand behind `entry` in the program's table.
///
/// # Safety
///
/// `entry` was placed in the table, is the constructor being run, and does not return to the one
/// who called it: else the rest would run twice.
pub(crate) unsafe fn run_rest(entry: &'static OwnConstructor) {
    let arguments = ConstructorArguments::new();
    let table = table();
    let own = place(table, entry);
    for constructor in table.iter().skip(own.map_or(table.len(), |own| own + 1)) {
        // 0 and -1 are no functions: linkers pad with them.
        if let Some(constructor) = constructor.filter(|it| *it as usize != usize::MAX) {
            constructor(arguments.count, arguments.argv, arguments.environment);
        }
    }
}

/// Whether the program has a table of constructors, and the linker has not put `entry` into it.
pub(crate) fn lacks(entry: *const OwnConstructor) -> bool {
    let table = table();
    !table.is_empty() && place(table, entry).is_none()
}

fn place(table: &[Option<Constructor>], entry: *const OwnConstructor) -> Option<usize> {
    table
        .iter()
        .position(|place| std::ptr::addr_eq(place, entry))
}

/// The program's table; an empty one, if it is not to be found.
fn table() -> &'static [Option<Constructor>] {
    let Some((start, length)) = image::init_array() else {
        return &[];
    };
    // SAFETY: the table consists of pointers to constructors, some of them null, and is there as
    // long as the program.
    unsafe { slice::from_raw_parts(start.cast(), length / size_of::<OwnConstructor>()) }
}

/// What constructors are called with by some C libraries.
struct ConstructorArguments {
    count: c_int,
    argv: *const *const c_char,
    environment: *const *const c_char,
}

impl ConstructorArguments {
    /// A copy of the program's arguments, which lives for ever: a constructor may keep it.
    fn new() -> ConstructorArguments {
        unsafe extern "C" {
            static environ: *const *const c_char;
        }
        let mut argv: Vec<*const c_char> = std::env::args_os()
            .filter_map(|argument| CString::new(argument.into_vec()).ok())
            .map(|argument| argument.into_raw().cast_const())
            .collect();
        let count = c_int::try_from(argv.len()).unwrap_or(c_int::MAX);
        argv.push(std::ptr::null());
        ConstructorArguments {
            count,
            argv: argv.leak().as_ptr(),
            // SAFETY: POSIX has this variable, and no thread changes it before `main`.
            environment: unsafe { environ },
        }
    }
}
