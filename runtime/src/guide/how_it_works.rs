//! How it works: what happens between `spawn` and `join`, and what that means for a program.
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
//! *constructors*. This library puts one there. In an ordinary start of the program it notes that
//! it ran and returns. In a child it does not return: it receives a request, runs the worker and
//! exits. That is why there is nothing to call in `main`, why `main` does not run in children, and
//! why it works in tests, doctests and libraries, whose `main` is not yours.
//!
//! A child is told from the program by a variable in its environment, which it removes, and by a
//! connection that its parent must have made. Constructors behind ours, those of C++ libraries for
//! example, are called before the worker runs.
//!
//! Three things are checked before a process is started, because running `main` twice would be
//! worse than an error: the constructor ran; the worker belongs to the program and not to a shared
//! library; this process was not made by `fork`.
//!
//! # Two ways to a process
//!
//! With [`StartMethod::Spawn`](crate::StartMethod::Spawn), the program is executed again:
//! `/proc/self/exe`, which is the file that this process runs, also if another one has taken its
//! name since.
//!
//! With [`StartMethod::ForkServer`](crate::StartMethod::ForkServer), that is done once. The process
//! that comes of it stops before `main`, has one thread, and clones itself whenever it is asked to.
//! Such a clone is the *program's* child, not the server's (`CLONE_PARENT`): its process id, its
//! end, its signals are as of any child, and the server may be killed at any time; the next call
//! starts another. A clone is asked for in advance and waits as a *spare*. So starting a worker is
//! two messages: one with the standard streams and the directory, one with the environment, the
//! limits, the function and its arguments.
//!
//! Cloning a process is safe here where `fork` is not in a program with threads: there is one
//! thread, and none of the program's code has run but its constructors. If a constructor started a
//! thread, or the kernel refuses to clone, programs are executed instead, and
//! [`Process::start_method`](crate::Process::start_method) says so.
//!
//! # Which function
//!
//! Parent and child are the same file, so a function can be named by its place in it. Each
//! [`worker`](macro@crate::worker) has an entry in a table that the linker puts together; its
//! number is sent, and its path with it, which the child compares. An instance of a generic worker
//! is named by its distance from the beginning of the file, after the child has seen that it runs
//! the same file as its parent.
//!
//! # Arguments and results
//!
//! serde turns values into messages. The format says of each value what kind it is, so whatever
//! serde can write can be read back. Numbers, bytes and text are copied as a block, however deep
//! in a value they are; long ones are sent from where they lie and received to where they stay.
//!
//! Messages go over ipc-channel, whose connections are sockets. A long message gets a socket of its
//! own, of which the sender keeps only the writing end: if the receiver dies, sending fails, and
//! does not wait for ever. Handles travel with the value: each is a record in the message, which
//! serde never sees, and descriptors beside it, which the kernel hands over.
//!
//! Nothing is sent of a value that cannot be encoded, and a message that cannot be decoded costs
//! only itself. What comes is looked at before it is believed: a process whose C library writes into
//! the connection, having mistaken its number for another, is ended, and nothing else is harmed.
//!
//! # Who notices what
//!
//! * **The parent** has a descriptor for each child, a *pidfd*, that becomes readable when the
//!   child ends. Signals go through it too, so they never reach another process that has got the
//!   number. A thread, `multiproc-monitor`, waits for all children that nobody joins: it takes in
//!   their results, reaps them and keeps their deadlines. Who joins a child waits for it directly.
//!   There is no handler for `SIGCHLD`, and no child of the program's own is touched.
//! * **How a child ended** is decided in one place, from what it said and how the kernel says it
//!   ended. A complete result is a result, whatever happened after it. Without one, the exit status
//!   speaks, and a kill of our own explains it: the timeout, or cancelling.
//! * **A child** has two threads. The first one waits for the end of its parent: for the
//!   connection to be hung up, and for the parent's pidfd. Then it kills its own process, and the
//!   children of that see *it* end. The worker runs on the second thread, which has its name.
//!
//! # Shared memory, and who is alive
//!
//! What [`shm`](crate::shm) and [`sync`](crate::sync) share lies in files without names, in memory
//! (`memfd_create`), which several objects of one size share. A handle is an address in such a
//! file, and the file's descriptor. There is nothing to unlink: the kernel frees the file with its
//! last descriptor and mapping.
//!
//! Each process that has such a file holds a lock on one byte of it, which the kernel gives back
//! when the process ends, however it ends. So everybody can ask whether a holder is alive, without
//! a process id that may be another's by now. Who waits asks, and takes over what a dead holder
//! held. What is held is a process's, never a thread's. No process serves the others, and no operation waits for an answer of another process.
//! Each change of shared state is a sequence of steps after each of which a process may die; the
//! tests end one after each.
//!
//! # A pool
//!
//! A worker of a [`Pool`](crate::Pool) is a child with a loop in it. Short tasks are sent to it in
//! groups. It claims each one, in a piece of memory that it shares with the pool, right before it
//! runs it, and leaves a short result there. So when it dies, the pool knows which task died with
//! it, which ones were done, and which ones it may give to another. One thread of the pool watches
//! over deadlines and replaces workers. It also receives results, unless somebody waits for one,
//! who then listens to its worker. Callbacks have a thread of their own.
//!
//! # At exit
//!
//! | what ends | then |
//! |---|---|
//! | the worker returns | the result is sent; the process ends as by [`exit`](std::process::exit): std's standard output and C's streams are flushed, exit handlers run, other threads end where they are |
//! | it panics | the panic is sent, then as above with status 101; if the program is built to abort, `SIGABRT` |
//! | it is killed | nothing of that; what it held is found by the others |
//! | the parent, however | its children kill themselves, without exit handlers |
//! | the last handle to shared memory, a channel, a queue | the kernel frees it |
//!
//! # What is unsafe, and why
//!
//! Generated code has no `unsafe`; it compiles under `#![forbid(unsafe_code)]`. In the library it
//! is denied but for modules that say why they need it, each block with its argument:
//!
//! | where | what for |
//! |---|---|
//! | before `main` | a constructor, the table of the others, the environment while there is one thread, the clone |
//! | functions by distance | in the same file, the same distance is the same function |
//! | shared memory | mappings, and values in them that several processes see. Types have to be [`Shareable`](trait@crate::Shareable), which has no pointers and no destructor |
//! | locks | giving `&mut` to who has the lock |
//! | numbers as bytes | slices of numbers are copied as memory |
//! | crashes of processes with a memory limit | a signal handler notes whether memory had been refused |
//! | system calls | the few that rustix does not have |
//!
//! What the types cannot rule out is that a process with a handle writes past it: a worker whose
//! `unsafe` code or C library runs wild can damage what it shares with others, and only that. Give
//! such a worker copies, and let it share nothing.
