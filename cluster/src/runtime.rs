//! The thread on which all talk with the engine happens.

use std::future::Future;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use multiproc::__private::cluster;
use multiproc::{ErrorKind, Result};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A thread with an executor of its own, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Runtime {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    /// The process whose thread it is: a copy of it has none.
    process: u32,
}

impl Runtime {
    pub(crate) fn start() -> Result<Runtime> {
        let failed = |error: std::io::Error| {
            let text = format!("cannot start the thread of a cluster: {error}");
            cluster::error(ErrorKind::Spawn, None, text)
        };
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("multiproc-cluster".to_owned());
        let run = move || {
            let _ = runtime.block_on(stopped);
            // What is left on it is not waited for.
            runtime.shutdown_background();
        };
        Ok(Runtime {
            handle,
            stop: Some(stop),
            thread: Some(thread.spawn(run).map_err(failed)?),
            process: std::process::id(),
        })
    }

    /// Runs a future on the thread, and waits for it here.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        if !self.is_here() {
            return None;
        }
        let (sender, receiver) = mpsc::channel();
        self.handle.spawn(async move {
            let _ = sender.send(future.await);
        });
        receiver.recv().ok()
    }

    /// Whether this process is the one whose thread it is.
    pub(crate) fn is_here(&self) -> bool {
        self.process == std::process::id()
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && self.is_here()
            && thread.thread().id() != thread::current().id()
        {
            // It has caught the panics of its futures, and has none of its own.
            let _ = thread.join();
        }
    }
}
