//! The return addresses on a stack.

use std::ffi::c_void;
use std::ptr;

use super::context::Context;

/// How many are noted at most. Of a recursion that has used up its stack there are many thousands.
pub(super) const MOST: usize = 64;

/// Those that belong to the handler itself, at most.
const HANDLER: usize = 16;

/// What the unwinder keeps of a frame.
#[repr(C)]
struct Frame {
    _private: [u8; 0],
}

type Visit = extern "C" fn(*mut Frame, *mut c_void) -> libc::c_int;

/// The end of a walk is wanted, or the walk goes on.
const END_OF_STACK: libc::c_int = 5;
const NO_REASON: libc::c_int = 0;

// SAFETY: these are the functions of the unwinder that std is linked to (Itanium C++ ABI, "Exception
// Handling", level 1, and its extensions by GCC).
unsafe extern "C" {
    fn _Unwind_Backtrace(visit: Visit, argument: *mut c_void) -> libc::c_int;
    fn _Unwind_GetIP(frame: *mut Frame) -> usize;
}

struct Walk<'p> {
    /// Where the signal came.
    start: usize,
    places: &'p mut [usize; MOST],
    count: usize,
    has_begun: bool,
    skipped: usize,
}

/// Writes down where the signal came and the return addresses above that, and says how many.
pub(super) fn walk(context: &Context, places: &mut [usize; MOST]) -> usize {
    let instruction = context.program_counter();
    places[0] = instruction;
    context.at_a_function(|| {
        let start = context.program_counter();
        let mut walk = Walk {
            start,
            // What is no function's instruction stands before those that are.
            count: usize::from(start != instruction),
            places,
            has_begun: false,
            skipped: 0,
        };
        let argument = ptr::from_mut(&mut walk).cast();
        // SAFETY: the callback has the type that is asked for, and the argument outlives the call.
        unsafe { _Unwind_Backtrace(visit, argument) };
        walk.count.max(1)
    })
}

extern "C" fn visit(frame: *mut Frame, argument: *mut c_void) -> libc::c_int {
    // SAFETY: it is what `walk` has passed, which waits for this.
    let walk = unsafe { &mut *argument.cast::<Walk<'_>>() };
    // SAFETY: the unwinder passes a valid frame.
    let place = unsafe { _Unwind_GetIP(frame) };
    walk.has_begun |= place == walk.start;
    if !walk.has_begun {
        walk.skipped += 1;
        return if walk.skipped > HANDLER {
            END_OF_STACK
        } else {
            NO_REASON
        };
    }
    walk.places[walk.count] = place;
    walk.count += 1;
    if walk.count == MOST {
        END_OF_STACK
    } else {
        NO_REASON
    }
}
