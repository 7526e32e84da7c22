//! Programs that get rights from their file.

#![expect(unsafe_code, reason = "the auxiliary vector is asked")]

/// Whether this program was executed with more rights than its caller had: it is set-user-ID or
/// set-group-ID, has capabilities, or a security module says so. The kernel's word, `AT_SECURE`.
pub(crate) fn is_privileged() -> bool {
    // SAFETY: it looks up a number and has no preconditions.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}
