//! What a signal has interrupted.

use std::ops::Range;
use std::ptr::NonNull;

use super::alternate_stack;
use super::memory_at::is_readable;
#[cfg(target_arch = "x86_64")]
use super::memory_at::read;

/// The registers of the thread, as the kernel saved them.
pub(super) struct Context(NonNull<libc::ucontext_t>);

/// The registers that a return changes.
#[derive(Clone, Copy)]
struct Place {
    program_counter: u64,
    stack_pointer: u64,
}

impl Context {
    /// # Safety
    ///
    /// It is what a handler was passed, and the handler does not return as long as the value is used.
    pub(super) unsafe fn new(context: *const ()) -> Option<Context> {
        NonNull::new(context.cast_mut().cast()).map(Context)
    }

    /// The address of the instruction.
    pub(super) fn program_counter(&self) -> usize {
        address(self.place().program_counter)
    }

    pub(super) fn stack_pointer(&self) -> usize {
        address(self.place().stack_pointer)
    }

    /// Where an access means that this thread has no stack left; empty if that is not known.
    pub(super) fn guard(&self) -> Range<usize> {
        // SAFETY: `new` was promised that the kernel's description is there.
        alternate_stack::guard(unsafe { &(*self.0.as_ptr()).uc_stack })
    }

    /// Calls `walk` with the registers such that the unwinder can begin with them.
    ///
    /// If the thread was about to run an instruction where there is no memory, it has called a wrong
    /// address, and the unwinder, which reads the instruction, would crash as well. So meanwhile it is as
    /// if that function had returned.
    pub(super) fn at_a_function<R>(&self, walk: impl FnOnce() -> R) -> R {
        let place = self.place();
        if is_readable(address(place.program_counter)) {
            return walk();
        }
        if let Some(returned) = self.returned() {
            self.set(returned);
        }
        let result = walk();
        self.set(place);
        result
    }

    #[cfg(target_arch = "x86_64")]
    fn place(&self) -> Place {
        Place {
            program_counter: self.register(libc::REG_RIP),
            stack_pointer: self.register(libc::REG_RSP),
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn register(&self, register: libc::c_int) -> u64 {
        let index = usize::try_from(register).unwrap_or(0);
        // SAFETY: as in `guard`.
        unsafe { (*self.0.as_ptr()).uc_mcontext.gregs[index] }.cast_unsigned()
    }

    #[cfg(target_arch = "x86_64")]
    fn set(&self, place: Place) {
        let registers = [
            (libc::REG_RIP, place.program_counter),
            (libc::REG_RSP, place.stack_pointer),
        ];
        for (register, value) in registers {
            let index = usize::try_from(register).unwrap_or(0);
            // SAFETY: as in `guard`; a handler may write to what it was passed.
            unsafe { (*self.0.as_ptr()).uc_mcontext.gregs[index] = value.cast_signed() };
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn returned(&self) -> Option<Place> {
        let place = self.place();
        Some(Place {
            program_counter: read(address(place.stack_pointer))? as u64,
            stack_pointer: place.stack_pointer.wrapping_add(size_of::<u64>() as u64),
        })
    }

    #[cfg(target_arch = "aarch64")]
    fn place(&self) -> Place {
        // SAFETY: as in `guard`.
        let registers = unsafe { &(*self.0.as_ptr()).uc_mcontext };
        Place {
            program_counter: registers.pc,
            stack_pointer: registers.sp,
        }
    }

    #[cfg(target_arch = "aarch64")]
    fn set(&self, place: Place) {
        // SAFETY: as in `guard`; a handler may write to what it was passed.
        let registers = unsafe { &mut (*self.0.as_ptr()).uc_mcontext };
        (registers.pc, registers.sp) = (place.program_counter, place.stack_pointer);
    }

    #[cfg(target_arch = "aarch64")]
    fn returned(&self) -> Option<Place> {
        /// Holds the address to return to.
        const LINK: usize = 30;
        // SAFETY: as in `guard`.
        let program_counter = unsafe { (*self.0.as_ptr()).uc_mcontext.regs[LINK] };
        is_readable(address(program_counter)).then_some(Place {
            program_counter,
            ..self.place()
        })
    }
}

fn address(register: u64) -> usize {
    usize::try_from(register).unwrap_or(0)
}
