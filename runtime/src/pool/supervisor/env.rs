//! What the layers of a pool have in common and no lock protects.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};

use super::deliveries::Deliveries;
use crate::lock::lock;
use crate::pool::settings::{Initializer, Settings};
use crate::sys::poller::Poller;

pub(super) struct Env {
    pub(super) poller: Poller,
    pub(super) settings: Settings,
    /// Until the pool is over: its arguments may hold something open.
    initializer: Mutex<Option<Arc<Initializer>>>,
    /// Threads that do, just now, what has to be done beside the lock.
    pub(super) deliveries: Deliveries,
    closing: AtomicBool,
    /// The most workers, for who asks without the lock under which it is changed.
    workers: AtomicUsize,
}

impl Env {
    pub(super) fn new(
        poller: Poller,
        settings: Settings,
        initializer: Option<Initializer>,
    ) -> Arc<Env> {
        Arc::new(Env {
            workers: AtomicUsize::new(settings.policy.workers),
            poller,
            settings,
            initializer: Mutex::new(initializer.map(Arc::new)),
            deliveries: Deliveries::default(),
            closing: AtomicBool::new(false),
        })
    }

    /// What each worker runs first, while there is a pool.
    pub(super) fn initializer(&self) -> Option<Arc<Initializer>> {
        lock(&self.initializer).clone()
    }

    /// The pool is over: no worker will run the initializer any more.
    pub(super) fn drop_initializer(&self) {
        let initializer = lock(&self.initializer).take();
        drop(initializer);
    }

    /// The most workers.
    pub(super) fn workers(&self) -> usize {
        self.workers.load(Relaxed)
    }

    pub(super) fn set_workers(&self, workers: usize) {
        self.workers.store(workers, Relaxed);
    }

    /// No more jobs are taken.
    pub(super) fn set_closing(&self) {
        self.closing.store(true, SeqCst);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(SeqCst)
    }
}
