//! The inner workings: what happens between `spawn` and `join`, and what that means for a program.
//!
//! ```text
//!  the program                                      a child: the same program, before main
//!
//!  decode::spawn(bytes, 80)
//!    │ bind the arguments to the function
//!    │ encode them                                  a clone that waits, or a new execution
//!    ├──── which function, surroundings, arguments ────▶ │
//!    │                                                   │ limits, start-up functions
//!    ▼                                                   │ decode, run, encode
//!  Process ◀──────────────── the result ──────────────── │
//!    ▲                                                   │ flush, exit handlers
//!    └──────────────────── how it ended ──────────────── exit
//! ```
//!
//! # Before `main`
//!
//! A Rust program has a table of functions that the C library calls before `main`, its
//! *constructors*. This library puts one there. In an ordinary start of the program it records that
//! it ran, and returns. In a child it does not return: it receives a request, runs the worker and
//! exits. That is why there is nothing to call in `main`, why `main` does not run in children, and
//! why workers work in tests, doctests and libraries, whose `main` is not yours.
//!
//! A child recognises itself by a variable in its environment, which it removes, and by a connection
//! that its parent must have made. Constructors that come later in the table, those of C++ libraries
//! for example, are called before the worker runs.
//!
//! Three things are checked before a process is started, because running `main` twice would be
//! worse than an error: the constructor ran; the worker belongs to the program and not to a shared
//! library; this process was not made by `fork`.
//!
//! # Two ways to a process
//!
//! With [`StartMethod::Spawn`](crate::StartMethod::Spawn), the program is executed again:
//! `/proc/self/exe`, which is the file that this process runs, even if another file has taken its
//! name since.
//!
//! With [`StartMethod::ForkServer`](crate::StartMethod::ForkServer), that is done once. The new
//! process, the server, stops before `main`, has one thread, and clones itself on request. Such a
//! clone is the *program's* child, not the server's (`CLONE_PARENT`): its process id, its end and its
//! signals are those of any child, and the server may be killed at any time; the next call starts
//! another. Each clone is requested in advance and waits as a *spare*. So starting a worker takes two
//! messages: one with the standard streams and the directory, one with the environment, the
//! limits, the function and its arguments.
//!
//! Cloning a process is safe here where `fork` is not in a program with threads: there is one
//! thread, and none of the program's code has run but its constructors. If a constructor started a
//! thread, or the kernel refuses to clone, programs are executed instead, and
//! [`Process::start_method`](crate::Process::start_method) says so.
//!
//! # Which function
//!
//! Parent and child are the same file, so a function can be identified by its place in it. Each
//! [`worker`](macro@crate::worker) has an entry in a table that the linker puts together; the parent
//! sends its index and its path, which the child compares. An instance of a generic worker
//! is identified by its distance from the beginning of the file, after the child has checked that it
//! runs the same file as its parent.
//!
//! # Arguments and results
//!
//! serde turns values into messages. The format is self-describing, so every value that serde can
//! write can be read back. Numbers, bytes and text are copied as a block, however deep in a value they
//! are; long ones are sent from their place in the value and received into their final place.
//!
//! Messages go over ipc-channel, whose connections are sockets. A long message gets a socket of its
//! own, of which the sender keeps only the writing end: if the receiver dies, sending fails instead
//! of waiting for ever. Handles travel with the value: each is a record in the message, which
//! serde never sees, and descriptors beside it, which the kernel hands over.
//!
//! A value that cannot be encoded is not sent at all, and a message that cannot be decoded affects no
//! other. Received data is validated before it is used: a process whose C library writes into
//! the connection, having mistaken its descriptor for another, is killed, and nothing else is harmed.
//!
//! # How a death is noticed
//!
//! * **The parent** has a descriptor for each child, a *pidfd*, that becomes readable when the
//!   child ends. Signals are sent through it too, so they never reach another process that was given
//!   the same id. A thread, `multiproc-monitor`, waits for all children that are not being joined: it
//!   receives their results, reaps them and enforces their deadlines. A thread that joins a child
//!   waits for it directly. There is no handler for `SIGCHLD`, and children that the program starts
//!   by other means are left alone.
//! * **The end of a child** is judged in one place, from its reply and its exit status. A complete
//!   result counts, whatever happened after it. Without one, the error follows from the exit status
//!   and, if the library killed the process itself, from the reason: the timeout, or a cancellation.
//! * **A child** has two threads. The first one waits for the end of its parent: for the
//!   connection to be hung up, and for the parent's pidfd. Then it kills its own process, whose
//!   children notice *its* end in turn. The worker runs on the second thread, which has its name.
//!
//! # Shared memory and the death of its holders
//!
//! The objects of [`shm`](crate::shm) and [`sync`](crate::sync) lie in memory files without names
//! (`memfd_create`), each of which has room for several objects of one size. A handle is an address
//! in such a file, and the file's descriptor. There is nothing to unlink: the kernel frees the file
//! with its last descriptor and mapping.
//!
//! Each process that has such a file holds a lock on one byte of it, which the kernel releases
//! when the process ends, for any reason. So every process can check whether a holder is alive,
//! without relying on process ids, which are reused. A waiting thread checks, and takes over what a
//! dead holder held. Locks are held by processes, never by threads. No process serves the others, and
//! no operation waits for an answer of another process. Each change of shared state is a sequence of
//! steps after each of which a process may die; the tests end one after each.
//!
//! # A pool
//!
//! A worker of a [`Pool`](crate::Pool) is a child that runs a loop. Short tasks are sent to it in
//! groups. It claims each task, in memory that it shares with the pool, right before it
//! runs it, and leaves a short result there. So when it dies, the pool knows which task died with
//! it, which ones were done, and which ones it may give to another worker. One thread of the pool
//! enforces deadlines and replaces workers. It also receives results, unless a thread of the program
//! waits for one, which then listens to the worker itself. Callbacks have a thread of their own.
//!
//! # At exit
//!
//! | event | consequence |
//! |---|---|
//! | the worker returns | the result is sent; the process ends as by [`exit`](std::process::exit): std's standard output and C's streams are flushed, exit handlers run, other threads end where they are |
//! | the worker panics | the panic is sent, then as above with status 101; if the program is built to abort, `SIGABRT` |
//! | the process writes to its standard error | that goes there; if the last of it is to be kept, by way of a thread of the parent |
//! | the process is killed | nothing is sent; other processes take over what it held |
//! | the parent ends, for any reason | its children kill themselves, without exit handlers |
//! | the last handle to shared memory, a channel or a queue is gone | the kernel frees it |
//!
//! # What is unsafe, and why
//!
//! Generated code has no `unsafe`; it compiles under `#![forbid(unsafe_code)]`. In the library it
//! is denied except in modules that state why they need it, each block with its argument:
//!
//! | where | what for |
//! |---|---|
//! | before `main` | a constructor, the table of the others, the environment while there is one thread, the clone |
//! | functions by distance | in the same file, the same distance is the same function |
//! | shared memory | mappings, and values in them that several processes see. Types have to be [`Shareable`](trait@crate::Shareable), which has no pointers and no destructor |
//! | locks | giving `&mut` to the holder of a lock |
//! | numbers as bytes | slices of numbers, and of arrays of them, are copied as memory |
//! | crashes | in a signal handler, a child notes why and where it crashes, and whether memory had been refused to it; or, when it is to be killed because it takes too long, where it is |
//! | system calls | the few that rustix does not have |
//!
//! The types cannot rule out that a process with a handle writes past it: a worker whose
//! `unsafe` code or C library writes to wrong addresses can damage the memory that it shares with
//! others, and only that. Give such a worker copies, and let it share nothing.
