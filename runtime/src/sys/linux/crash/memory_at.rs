//! Memory that may not be there.

use std::ptr;

use super::ids::process;

/// The word at this address, if there is memory.
pub(super) fn read(address: usize) -> Option<usize> {
    let mut word = 0_usize;
    let length = size_of::<usize>();
    let local = libc::iovec {
        iov_base: (&raw mut word).cast(),
        iov_len: length,
    };
    let remote = libc::iovec {
        iov_base: ptr::with_exposed_provenance_mut(address),
        iov_len: length,
    };
    let (own, local, remote) = (process(), &raw const local, &raw const remote);
    // SAFETY: the kernel looks itself whether it can read there; the place to write to is valid.
    let read = unsafe { libc::process_vm_readv(own, local, 1, remote, 1, 0) };
    (usize::try_from(read) == Ok(length)).then_some(word)
}

/// Whether there is memory.
pub(super) fn is_readable(address: usize) -> bool {
    read(address).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_read() {
        let word = 7_usize;
        assert_eq!(read(ptr::from_ref(&word).expose_provenance()), Some(7));
        for address in [0, 8, 1 << 47, usize::MAX] {
            assert!(!is_readable(address), "{address:#x}");
        }
    }
}
