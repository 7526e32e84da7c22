//! Atomics whose accesses are steps.
//!
//! They have the methods of std's that the library uses: one that is missing here does not
//! compile, and cannot be forgotten.

use std::sync::atomic::{self, Ordering};

use super::hooks;
use super::is_dead;
use super::trace::Act;

macro_rules! words {
    ($($name:ident($plain:ident, $value:ty)),*) => {$(
        #[derive(Debug, Default)]
        #[repr(transparent)]
        pub(crate) struct $name(atomic::$plain);

        #[allow(dead_code, reason = "not every kind of word is used in every way")]
        impl $name {
            pub(crate) const fn new(value: $value) -> $name {
                $name(atomic::$plain::new(value))
            }

            #[track_caller]
            fn step(&self, act: Act) {
                hooks::step(std::ptr::from_ref(self).addr(), act);
            }

            #[track_caller]
            pub(crate) fn load(&self, order: Ordering) -> $value {
                self.step(Act::Read);
                self.0.load(order)
            }

            #[track_caller]
            pub(crate) fn store(&self, value: $value, order: Ordering) {
                self.step(Act::Write);
                if !is_dead() {
                    self.0.store(value, order);
                }
            }

            #[track_caller]
            pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                self.step(Act::Write);
                if is_dead() {
                    return self.0.load(Ordering::SeqCst);
                }
                self.0.swap(value, order)
            }

            #[track_caller]
            pub(crate) fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.step(Act::Write);
                if is_dead() {
                    // So that a loop that tries until it works comes to an end.
                    return Ok(current);
                }
                self.0.compare_exchange(current, new, success, failure)
            }

            #[track_caller]
            pub(crate) fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                self.compare_exchange(current, new, success, failure)
            }

            #[track_caller]
            pub(crate) fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut change: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                let mut known = self.load(fetch);
                while let Some(new) = change(known) {
                    match self.compare_exchange(known, new, set, fetch) {
                        Ok(before) => return Ok(before),
                        Err(other) => known = other,
                    }
                }
                Err(known)
            }
        }
    )*};
}

words!(AtomicU32(AtomicU32, u32), AtomicU64(AtomicU64, u64));

macro_rules! changes {
    ($($name:ident($value:ty): $($change:ident)*;)*) => {$(
        #[allow(dead_code, reason = "not every kind of word is used in every way")]
        impl $name {$(
            #[track_caller]
            pub(crate) fn $change(&self, value: $value, order: Ordering) -> $value {
                self.step(Act::Write);
                if is_dead() {
                    return self.0.load(Ordering::SeqCst);
                }
                self.0.$change(value, order)
            }
        )*}
    )*};
}

changes!(
    AtomicU32(u32): fetch_add fetch_sub fetch_and fetch_or fetch_xor fetch_max fetch_min;
    AtomicU64(u64): fetch_add fetch_sub fetch_and fetch_or fetch_xor fetch_max fetch_min;
);

impl AtomicU32 {
    pub(crate) fn plain(&self) -> &atomic::AtomicU32 {
        &self.0
    }
}

/// The explorer's steps are in one order for all, fences or not.
pub(crate) fn fence(order: Ordering) {
    atomic::fence(order);
}
