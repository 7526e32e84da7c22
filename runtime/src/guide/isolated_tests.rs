//! Tests in processes of their own: what they are for, and how to watch them fail.
//!
//! The test harness runs all tests of a program on threads of one process. Most tests do not mind.
//! Some do, and [`#[multiproc::test]`](macro@crate::test) is for these: it stands in the place of
//! `#[test]`, and the test runs in a process that no other test has touched.
//!
//! | a test that | in one process | in a process of its own |
//! |---|---|---|
//! | changes the environment, the working directory, the locale | disturbs all others | disturbs none |
//! | installs a logger, a panic hook, a signal handler | can do so once, and who is first wins | can do so |
//! | counts on a fresh `static` or `OnceLock` | depends on the order | finds it fresh |
//! | may crash or abort | ends the whole run | fails alone |
//! | has to crash, abort or exit | cannot be written | says `dies` or `exits` |
//! | may hang | holds the run for ever | is killed after its timeout, a minute by default |
//! | may take all memory | takes it from all | says `memory` |
//! | leaks, or loads a library that cannot be unloaded | leaves that to the others | takes it along |
//!
//! # Tests of the environment
//!
//! ```
//! fn cache_directory() -> String {
//!     std::env::var("CACHE").unwrap_or_else(|_| ".cache".to_owned())
//! }
//!
//! #[multiproc::test]
//! fn the_environment_wins() {
//!     unsafe { std::env::set_var("CACHE", "/var/cache") };
//!     assert_eq!(cache_directory(), "/var/cache");
//! }
//!
//! #[multiproc::test]
//! fn there_is_a_default() {
//!     unsafe { std::env::remove_var("CACHE") };
//!     assert_eq!(cache_directory(), ".cache");
//! }
//! ```
//!
//! # Tests of deaths
//!
//! With `dies` or `exits`, the test passes if its process ends like that, and fails if it returns,
//! panics, or ends in another way. This tests the ends that `#[should_panic]` cannot see:
//!
//! ```
//! fn check_invariant(holds: bool) {
//!     if !holds {
//!         std::process::abort(); // nothing may run after this, no destructor either
//!     }
//! }
//!
//! #[multiproc::test(dies = "SIGABRT")]
//! fn a_broken_invariant_aborts() {
//!     check_invariant(false);
//! }
//!
//! #[multiproc::test(exits = 2)]
//! fn usage_errors_have_their_code() {
//!     eprintln!("usage: convert FILE");
//!     std::process::exit(2);
//! }
//! ```
//!
//! # When one fails
//!
//! A panic in the test, and an error that it returns, look as they always do: the process has its own
//! panic hook, and what it prints is captured. Any other end is told in words:
//!
//! ```text
//! ---- tests::decodes_the_broken_file stdout ----
//! decoding broken.png
//!
//! thread 'tests::decodes_the_broken_file' panicked at src/tests.rs:12:4:
//! test `tests::decodes_the_broken_file` was killed by SIGSEGV (pid 4711)
//! ```
//!
//! # Together with others
//!
//! * nextest runs each test in a process anyway. There this attribute still gives a test its timeout,
//!   its limits and the tests of deaths.
//! * `#[rstest]` and `#[test_case(..)]` make a test of each set of values. Write `#[multiproc::test]`
//!   below them; each of these tests has a process. `#[test_case(..)]` makes a test of each function that
//!   is not `async` by itself, too: such a test is listed, and runs, twice.
//! * An `async` test names what runs it: `#[multiproc::test(runtime = path)]`, as a
//!   [worker](macro@crate::worker#async-workers) does.
//! * [Start-up functions](macro@crate::startup) run before the test, in its process: a good place for
//!   a logger that all tests have.
//! * With `MULTIPROC_START_METHOD=spawn`, each test has a process that was executed and not cloned. A
//!   library that reads the environment when the program starts needs that.
