//! The threads of a search, which play the actors in one run after the other.
//!
//! A run takes less time than it takes to start its threads. So a thread whose actor is at its end, or
//! dead, [is made](be_new) like a new one and waits for the next run.

use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, Scope, Thread};

use super::be_new;
use super::run::Run;
use super::world::{Part, World};
use crate::lock::{lock, wait};

/// A thread for each actor. They end when this is dropped.
pub(super) struct Threads<W> {
    duties: Vec<Arc<Duty<W>>>,
    handles: Arc<[Thread]>,
}

/// What a thread has to do.
struct Duty<W> {
    order: Mutex<Order<W>>,
    done: Condvar,
}

enum Order<W> {
    Wait,
    /// To begin, when it is called.
    Begin(Arc<Run>, Arc<W>),
    /// It has begun.
    Play,
    Leave,
}

impl<W: World> Threads<W> {
    pub(super) fn start<'scope>(
        scope: &'scope Scope<'scope, '_>,
        parts: &'scope [Part<'_, W>],
    ) -> Threads<W>
    where
        W: 'scope,
    {
        let duties: Vec<_> = parts
            .iter()
            .map(|_| {
                Arc::new(Duty {
                    order: Mutex::new(Order::Wait),
                    done: Condvar::new(),
                })
            })
            .collect();
        let actors = duties
            .iter()
            .zip(parts)
            .enumerate()
            .map(|(me, (duty, part))| {
                let duty = Arc::clone(duty);
                let thread = scope.spawn(move || duty.serve(me, part));
                thread.thread().clone()
            });
        let handles = actors.chain([thread::current()]).collect();
        Threads { duties, handles }
    }

    /// What calls the actors, and the thread that has started them, behind the others.
    pub(super) fn handles(&self) -> Arc<[Thread]> {
        Arc::clone(&self.handles)
    }

    /// Lets them begin a run as soon as each is called.
    pub(super) fn begin(&self, run: &Arc<Run>, world: &Arc<W>) {
        for duty in &self.duties {
            *lock(&duty.order) = Order::Begin(Arc::clone(run), Arc::clone(world));
        }
    }

    /// Waits until an actor that is doomed, or at its end, has nothing of the run any more.
    pub(super) fn join(&self, actor: usize) {
        let duty = &self.duties[actor];
        let mut order = lock(&duty.order);
        if !matches!(*order, Order::Wait) {
            self.handles[actor].unpark();
        }
        while !matches!(*order, Order::Wait) {
            order = wait(&duty.done, order);
        }
    }

    /// As [`join`](Threads::join), all of them.
    pub(super) fn join_all(&self) {
        (0..self.duties.len()).for_each(|actor| self.join(actor));
    }
}

impl<W> Drop for Threads<W> {
    fn drop(&mut self) {
        for (duty, thread) in self.duties.iter().zip(&*self.handles) {
            *lock(&duty.order) = Order::Leave;
            thread.unpark();
        }
    }
}

impl<W: World> Duty<W> {
    /// The life of a thread.
    fn serve(&self, me: usize, part: &Part<'_, W>) {
        while let Some((run, world)) = self.next() {
            be_new();
            let next = run.act(me, || part(&world, me));
            drop((run, world));
            let mut order = lock(&self.order);
            if !matches!(*order, Order::Leave) {
                *order = Order::Wait;
            }
            drop(order);
            self.done.notify_one();
            // Last: this thread would only be in its way.
            if let Some(next) = next {
                next.unpark();
            }
        }
    }

    /// Waits for a run to begin; `None` if there is none any more.
    fn next(&self) -> Option<(Arc<Run>, Arc<W>)> {
        loop {
            let mut order = lock(&self.order);
            match &*order {
                Order::Leave => return None,
                Order::Begin(..) => {
                    if let Order::Begin(run, world) = std::mem::replace(&mut *order, Order::Play) {
                        return Some((run, world));
                    }
                }
                Order::Wait | Order::Play => {}
            }
            drop(order);
            thread::park();
        }
    }
}
