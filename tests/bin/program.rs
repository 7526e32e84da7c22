//! A program that is watched from outside. Its first argument says what it is to do; what it has
//! to tell it writes to its standard output, line by line.

#![expect(clippy::print_stdout, reason = "it tells what it does")]
#![expect(unsafe_code, reason = "it calls C behind the library's back")]

use std::ffi::{CStr, CString, c_char, c_void};
use std::io::Read;
use std::thread;

use multiproc::{Function, startup, worker};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let scenario = arguments.next().expect("an argument");
    match &*scenario {
        "tree" => {
            grow(3);
            wait_for_ever();
        }
        "tree-and-return" => {
            grow(3);
            wait_for_the_end_of_stdin();
        }
        "tree-and-exit" => {
            grow(3);
            wait_for_the_end_of_stdin();
            // SAFETY: nobody misses the destructors and buffers of this program.
            unsafe { libc::_exit(4) };
        }
        "forked" => forked(),
        "sending" => sending(),
        "starting-up" => starting_up(),
        "start-in-startup" => start_in_startup(),
        "panic" => panic(),
        "replaced" => replaced(),
        "descendants" => descendants(),
        "descendants-at-start" => descendants_at_start(),
        "descendants-one-by-one" => descendants_one_by_one(),
        "spawn-and-return" => drop(tell_and_wait::spawn(&[1]).unwrap()),
        "square" => square(),
        "load" => load(&arguments.next().expect("a library")),
        "load-function" => load_function(&arguments.next().expect("a library")),
        "send-function" => send_function(&arguments.next().expect("a library")),
        other => panic!("there is no scenario {other}"),
    }
}

/// Leaves the process where it is. It ends with its parent, or is killed.
fn wait_for_ever() -> ! {
    loop {
        thread::park();
    }
}

fn wait_for_the_end_of_stdin() {
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[worker]
fn tree(generations: u32) -> ! {
    println!("{}", std::process::id());
    grow(generations);
    wait_for_ever();
}

/// Starts three workers that do likewise, until there are no generations left.
fn grow(generations: u32) {
    if generations > 0 {
        for _ in 0..3 {
            drop(tree::spawn(generations - 1).unwrap());
        }
    }
}

/// Starts a worker that starts others and tells of them.
fn descendants() {
    let process = have_descendants::call().kill_descendants().spawn().unwrap();
    drop(process);
    wait_for_ever();
}

/// The same, but it is a function before the worker that does, and does not come to an end.
fn descendants_at_start() {
    let call = tell_and_wait::call(&[1]).before_worker(have_descendants);
    drop(call.kill_descendants().spawn().unwrap());
    wait_for_ever();
}

/// Starts a worker that starts others in several threads, another whenever one has ended, and tells of
/// each.
fn descendants_one_by_one() {
    let call = have_one_after_the_other::call();
    drop(call.kill_descendants().spawn().unwrap());
    wait_for_ever();
}

#[worker]
fn have_one_after_the_other() {
    let go_on = || {
        loop {
            let mut sleep = std::process::Command::new("sleep");
            let mut sleep = sleep.arg("1000").spawn().unwrap();
            println!("{}", sleep.id());
            sleep.wait().unwrap();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(go_on);
        }
    });
}

#[worker]
fn have_descendants() {
    for id in multiproc_tests::descendants::start_by_all_means() {
        println!("{id}");
    }
    wait_for_ever();
}

#[worker]
fn tell_and_wait(bytes: &[u8]) {
    println!("{}", std::process::id());
    assert!(!bytes.is_empty());
    wait_for_ever();
}

/// A copy of this process, made by `fork`, holds everything that this process has open.
fn forked() {
    let worker = tell_and_wait::call(&[1])
        .stdout(multiproc::Stdio::null())
        .spawn()
        .unwrap();
    // SAFETY: the copy makes system calls only.
    let copy = unsafe { libc::fork() };
    if copy == 0 {
        loop {
            // SAFETY: a system call.
            unsafe { libc::pause() };
        }
    }
    println!("{copy}\n{}", worker.id());
    wait_for_ever();
}

/// Sends long arguments to one worker after the other.
fn sending() {
    let bytes = vec![1; 64 << 20];
    println!("ready");
    let _processes: Vec<_> = (0..100).map(|_| tell_and_wait::spawn(&bytes)).collect();
    wait_for_ever();
}

#[startup]
fn never_get_ready() {
    if std::env::var_os("NEVER_GET_READY").is_some() {
        println!("{}", std::process::id());
        wait_for_ever();
    }
}

/// Tells why it cannot start a worker.
#[startup]
fn start_a_worker() {
    if std::env::var_os("START_A_WORKER").is_some() {
        println!("{:?}", panics::spawn(6).unwrap_err().kind());
    }
}

fn start_in_startup() {
    let call = panics::call(6).env("START_A_WORKER", "1");
    println!("{:?}", call.run().unwrap());
}

fn starting_up() {
    let call = tell_and_wait::call(&[1]).env("NEVER_GET_READY", "1");
    let _process = call.spawn().unwrap();
    wait_for_ever();
}

#[worker]
fn panics(number: u32) -> u32 {
    assert!(number < 7, "boom {number}");
    number + 1
}

/// Tells how workers fare in a program that was built in another way.
fn panic() {
    println!("{:?}", panics::run(6).unwrap());
    let error = panics::call(7)
        .stderr(multiproc::Stdio::null())
        .run()
        .unwrap_err();
    println!("{:?}", error.kind());
    println!("{error}");
    println!("{:?}", error.signal());
    println!("{:?}", multiproc_tests::double::run(4).unwrap());
}

/// Tells how a process and a pool fare, and how the process was started.
fn square() {
    let tell = |result: multiproc::Result<u32>| match result {
        Ok(number) => println!("{number}"),
        Err(error) => println!("{error}"),
    };
    for _ in 0..3 {
        match panics::spawn(6) {
            Ok(process) => {
                println!("{:?}", process.start_method());
                tell(process.join());
            }
            Err(error) => println!("{error}"),
        }
    }
    match multiproc::Pool::builder().workers(1).build() {
        Ok(pool) => tell(pool.submit(panics::call(6)).wait()),
        Err(error) => println!("{error}"),
    }
}

/// Starts workers before and after the program's file was replaced.
fn replaced() {
    println!("{:?}", panics::run(1));
    wait_for_the_end_of_stdin();
    // The fork server knows nothing of it.
    println!("{:?}", panics::run(2));
}

/// Loads a library that has workers of its own and lets it start one.
fn load(library: &str) {
    let library = open(library);
    for name in [c"multiproc_tests_spawn", c"multiproc_tests_pool"] {
        let function = symbol(library, name);
        // SAFETY: this is the type of the functions of these names.
        let function: extern "C" fn() -> i32 = unsafe { std::mem::transmute(function) };
        println!("{}", function());
    }
    println!("{:?}", panics::run(1).unwrap());
}

/// Tells why a function of the library is called in no process.
fn load_function(library: &str) {
    let error = multiproc::run(7, increment(library)).unwrap_err();
    let text = error.to_string();
    let (_, reason) = text
        .split_once("cannot run in a process: ")
        .expect("a reason");
    println!("{:?}: {reason}", error.kind());
}

/// Calls a function of the library here, and tells what becomes of it elsewhere.
fn send_function(library: &str) {
    let function = Function::new(increment(library));
    println!("{}", function.call(7));
    let call = multiproc::call(function, |function: Function<u64, u64>| function.call(7));
    println!("{:?}", call.run().unwrap_err().kind());
    println!("{:?}", function.bind(7).portable().unwrap_err().kind());
}

fn increment(library: &str) -> fn(u64) -> u64 {
    let function = symbol(open(library), c"multiproc_tests_increment");
    // SAFETY: this is the type of the function of this name, and the same compiler has made both.
    unsafe { std::mem::transmute::<*mut c_void, fn(u64) -> u64>(function) }
}

fn open(library: &str) -> *mut c_void {
    let library = CString::new(library).unwrap();
    // SAFETY: the library's constructors may be called.
    let library = unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_NOW) };
    assert!(!library.is_null(), "{}", dlerror());
    library
}

fn symbol(library: *mut c_void, name: &CStr) -> *mut c_void {
    // SAFETY: the library is loaded.
    let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
    assert!(!symbol.is_null(), "{}", dlerror());
    symbol
}

fn dlerror() -> String {
    // SAFETY: a call that takes nothing.
    let error: *mut c_char = unsafe { libc::dlerror() };
    if error.is_null() {
        return String::new();
    }
    // SAFETY: it is a string until the next call.
    unsafe { CStr::from_ptr(error) }
        .to_string_lossy()
        .into_owned()
}
