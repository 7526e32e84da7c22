//! Is this code part of the program, or of a library that was loaded into one?

#![expect(
    unsafe_code,
    reason = "the list of loaded images is only to be had from libc"
)]

use std::ffi::c_void;
use std::ops::ControlFlow;
use std::slice;

/// Whether `address` lies in the program itself, as opposed to a shared library.
///
/// Only the program is sure to be the same in a re-executed process; a library may have been
/// loaded by `dlopen`, and the program knows nothing of it.
pub(crate) fn contains(address: *const ()) -> bool {
    let mut inside = false;
    for_main_program(&mut |segment| {
        if segment.contains(&(address.addr() as u64)) {
            inside = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    inside
}

type Visit<'a> = &'a mut dyn FnMut(std::ops::Range<u64>) -> ControlFlow<()>;

fn for_main_program(mut visit: Visit<'_>) {
    unsafe extern "C" fn callback(
        info: *mut libc::dl_phdr_info,
        _: usize,
        data: *mut c_void,
    ) -> libc::c_int {
        // SAFETY: `data` is what was passed below, a `Visit` that is alive during the call.
        let visit = unsafe { &mut *data.cast::<Visit<'_>>() };
        // SAFETY: libc passes a valid description of one image (dl_iterate_phdr(3)).
        let info = unsafe { &*info };
        // SAFETY: the description's header table has this address and length.
        let headers = unsafe { slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
        for header in headers
            .iter()
            .filter(|header| header.p_type == libc::PT_LOAD)
        {
            let start = info.dlpi_addr.wrapping_add(header.p_vaddr);
            if visit(start..start.wrapping_add(header.p_memsz)).is_break() {
                break;
            }
        }
        // The first image is the program; a value other than 0 ends the walk.
        1
    }
    let data: *mut Visit<'_> = &raw mut visit;
    // SAFETY: the callback matches the declared type, and `data` outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(callback), data.cast()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_contains_its_functions_and_not_libcs() {
        assert!(contains(contains as *const ()));
        assert!(!contains(libc::getpid as *const ()));
        assert!(!contains(std::ptr::null()));
    }
}
