//! Copies of this process, which tests make beside each other.
//!
//! A copy has the descriptors of the original until it ends or executes something. What is dropped
//! meanwhile seems to live on: a lock on a file, by which a process is known to be alive, for example.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static COPIES: RwLock<()> = RwLock::new(());

/// Keeps other tests from making copies, as long as what is returned lives.
pub(crate) fn forbid_copies() -> RwLockReadGuard<'static, ()> {
    COPIES.read().unwrap_or_else(PoisonError::into_inner)
}

/// Announces a copy that is made, and is gone before what is returned is dropped.
pub(crate) fn allow_copy() -> RwLockWriteGuard<'static, ()> {
    COPIES.write().unwrap_or_else(PoisonError::into_inner)
}
