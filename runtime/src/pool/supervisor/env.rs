//! What the layers of a pool have in common and no lock protects.

use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};

use super::deliveries::Deliveries;
use crate::foreign;
use crate::lock::lock;
use crate::pool::recipe::Recipe;
use crate::pool::settings::Settings;
use crate::sys::clock::nanoseconds as now;
use crate::sys::poller::Poller;

pub(super) struct Env {
    pub(super) poller: Poller,
    pub(super) settings: Settings,
    /// When the pool was built, by the clock of the ledger.
    pub(super) began: u64,
    /// Until the pool is over.
    recipe: Mutex<Option<Arc<Recipe>>>,
    /// Threads that do, just now, what has to be done beside the lock.
    pub(super) deliveries: Deliveries,
    closing: AtomicBool,
    /// Whether a worker is [unheard](super::unheard), for who asks about a task without the lock.
    unheard: AtomicBool,
    /// The most workers, for who asks without the lock under which it is changed.
    workers: AtomicUsize,
}

impl Env {
    pub(super) fn new(poller: Poller, settings: Settings, recipe: Recipe) -> Arc<Env> {
        Arc::new(Env {
            workers: AtomicUsize::new(settings.policy.workers),
            poller,
            settings,
            began: now(),
            recipe: Mutex::new(Some(Arc::new(recipe))),
            deliveries: Deliveries::default(),
            closing: AtomicBool::new(false),
            unheard: AtomicBool::new(false),
        })
    }

    /// How each worker is made, while there is a pool.
    pub(super) fn recipe(&self) -> Option<Arc<Recipe>> {
        lock(&self.recipe).clone()
    }

    /// The pool is over: no worker will be made any more.
    pub(super) fn drop_recipe(&self) {
        let recipe = lock(&self.recipe).take();
        // What its functions have captured is dropped by user code.
        foreign::call(|| drop(recipe));
    }

    /// The most workers.
    pub(super) fn workers(&self) -> usize {
        self.workers.load(Relaxed)
    }

    pub(super) fn set_workers(&self, workers: usize) {
        self.workers.store(workers, Relaxed);
    }

    pub(super) fn set_unheard(&self, is_any: bool) {
        self.unheard.store(is_any, SeqCst);
    }

    /// Whether a worker is unheard.
    pub(super) fn is_unheard(&self) -> bool {
        self.unheard.load(SeqCst)
    }

    /// No more jobs are taken.
    pub(super) fn set_closing(&self) {
        self.closing.store(true, SeqCst);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(SeqCst)
    }
}
