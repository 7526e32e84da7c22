use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::sync::{Barrier, Condvar};
use std::thread::JoinHandle;

use multiproc::worker;

#[worker]
fn send(numbers: Sender<u64>, texts: SyncSender<String>) {
    numbers.send(1).unwrap();
    texts.send(String::new()).unwrap();
}

#[worker]
fn receive(numbers: Receiver<u64>) -> u64 {
    numbers.recv().unwrap()
}

#[worker]
fn wait(barrier: Barrier, condvar: Condvar) {
    barrier.wait();
    condvar.notify_all();
}

#[worker]
fn start() -> JoinHandle<u64> {
    std::thread::spawn(|| 1)
}

fn main() {
    let _ = send::call;
    let _ = receive::call;
    let _ = wait::call;
    let _ = start::run().unwrap().join();
}
