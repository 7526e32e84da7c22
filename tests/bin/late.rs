//! A program that does things late: in the destructor of a thread-local, or in an exit handler. Its
//! arguments say where and what. It tells "done" when it has done that.

#![expect(clippy::print_stdout, reason = "it tells what it has done")]
#![expect(unsafe_code, reason = "it has an exit handler")]

use std::cell::RefCell;
use std::fs::File;
use std::sync::Mutex;
use std::thread;

use multiproc::channel::{Queue, Receiver, Sender, channel};
use multiproc::{Fd, Pool, StartMethod, sync, worker};

#[worker]
fn square(number: u64) -> u64 {
    number * number
}

#[worker]
fn read(number: &sync::Mutex<u64>) -> u64 {
    *number.lock().unwrap()
}

type Deed = Box<dyn FnOnce() + Send>;

/// Does its deed when it is dropped.
struct Late(Option<Deed>);

impl Drop for Late {
    fn drop(&mut self) {
        run(self.0.take());
    }
}

thread_local! {
    static LATE: RefCell<Late> = const { RefCell::new(Late(None)) };
}

static AT_EXIT: Mutex<Option<Deed>> = Mutex::new(None);

extern "C" fn at_exit() {
    let deed = AT_EXIT.lock().unwrap().take();
    run(deed);
}

fn run(deed: Option<Deed>) {
    if let Some(deed) = deed {
        deed();
        println!("done");
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (place, what) = (arguments.next().unwrap(), arguments.next().unwrap());
    match &*place {
        "thread" => thread::spawn(move || at_the_end(&what)).join().unwrap(),
        "main" => at_the_end(&what),
        "exit" => {
            let deed = deed(&what);
            use_everything();
            *AT_EXIT.lock().unwrap() = Some(deed);
            // SAFETY: the handler does not unwind.
            unsafe { libc::atexit(at_exit) };
        }
        other => panic!("there is no place {other}"),
    }
}

/// Leaves the deed in a thread-local that is older than those of libraries, and so survives them.
fn at_the_end(what: &str) {
    LATE.with(|_| ());
    let deed = deed(what);
    use_everything();
    LATE.with_borrow_mut(|late| late.0 = Some(deed));
}

/// Makes thread-locals come into being.
fn use_everything() {
    let (sender, receiver) = channel::<Sender<u64>>().unwrap();
    let (other, _) = channel().unwrap();
    sender.send(other).unwrap();
    receiver.recv().unwrap();
    assert_eq!(square::run(2).unwrap(), 4);
}

fn deed(what: &str) -> Deed {
    let (sender, receiver): (Sender<u64>, Receiver<u64>) = channel().unwrap();
    let number = sync::Mutex::new(7).unwrap();
    let pool = || Pool::builder().workers(1).build().unwrap();
    match what {
        "send" => Box::new(move || {
            sender.send(7).unwrap();
            assert_eq!(receiver.recv().unwrap(), 7);
        }),
        "send-handles" => {
            let (senders, receivers) = channel::<(Sender<u64>, Fd<File>)>().unwrap();
            Box::new(move || {
                let file = Fd::new(File::open("/dev/null").unwrap());
                senders.send((sender, file)).unwrap();
                receivers.recv().unwrap().0.send(7).unwrap();
                assert_eq!(receiver.recv().unwrap(), 7);
            })
        }
        "queue" => {
            let queue = Queue::bounded(2).unwrap();
            Box::new(move || {
                queue.push(sender).unwrap();
                queue.pop().unwrap().send(7).unwrap();
                assert_eq!(receiver.recv().unwrap(), 7);
            })
        }
        "lock" => Box::new(move || *number.lock().unwrap() += 1),
        "spawn" => Box::new(move || {
            assert_eq!(read::run(&number).unwrap(), 7);
            let call = square::call(3).start_method(StartMethod::Spawn);
            assert_eq!(call.run().unwrap(), 9);
        }),
        "submit" => {
            let pool = pool();
            Box::new(move || {
                assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
                pool.shutdown().unwrap();
            })
        }
        "drop" => {
            let pool = pool();
            let task = pool.submit(square::call(3));
            Box::new(move || drop((pool, task)))
        }
        "build" => Box::new(move || {
            let pool = pool();
            let squares = pool.map(square::call, 0..10);
            let squares: multiproc::Result<Vec<u64>> = squares.collect();
            assert_eq!(squares.unwrap().len(), 10);
        }),
        other => panic!("there is no deed {other}"),
    }
}
