//! Filters on system calls.

#![expect(unsafe_code, reason = "rustix sets no filters")]

/// Has a filter do this with one system call of this thread, and allow all others.
pub(crate) fn filter_system_call(call: i64, action: u32) {
    const fn step(code: u16, value: u32, jump: u8) -> libc::sock_filter {
        libc::sock_filter {
            code,
            jt: 0,
            jf: jump,
            k: value,
        }
    }
    let call = u32::try_from(call).unwrap();
    // Loads the number of the call; if it is not this one, jumps over the action.
    let mut steps = [
        step(0x20, 0, 0),
        step(0x15, call, 1),
        step(6, action, 0),
        step(6, libc::SECCOMP_RET_ALLOW, 0),
    ];
    let program = libc::sock_fprog {
        len: 4,
        filter: steps.as_mut_ptr(),
    };
    // SAFETY: both calls take numbers, and a program that is there.
    unsafe {
        assert_eq!(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
        let filtered = libc::prctl(libc::PR_SET_SECCOMP, 2, &raw const program, 0, 0);
        assert_eq!(filtered, 0);
    }
}
