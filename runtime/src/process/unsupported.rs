//! Where no process can be started.

/// Why this process cannot start any.
pub(super) fn spawn_refusal() -> Option<&'static str> {
    Some("this system is not supported, processes can be started on Linux on x86-64 and aarch64")
}

/// Ends this process, whose worker has panicked.
pub(crate) fn end_of_panic(_: &crate::error::PanicInfo) -> ! {
    std::process::exit(101)
}

pub(super) mod launch {
    use std::io;

    use crate::limits::Limits;
    use crate::process::launched::{LaunchOptions, Launched};
    use crate::process::start_method::StartMethod;
    use crate::sys::inheritance::Differences;
    use crate::sys::unsupported_here;

    /// A child that is about to be started: there is none.
    #[derive(Debug)]
    pub(in crate::process) enum Launching {}

    impl Launching {
        pub(in crate::process) fn begin(
            _: StartMethod,
            _: LaunchOptions,
            _: &Limits,
        ) -> io::Result<Launching> {
            Err(unsupported_here())
        }

        pub(in crate::process) fn differences(&self) -> Option<Differences> {
            match *self {}
        }

        pub(in crate::process) fn finish(self) -> io::Result<Launched> {
            match self {}
        }
    }
}

pub(super) mod capture {
    use std::io;

    use crate::process::stdio::Streams;
    use crate::sys::unsupported_here;

    /// The output of a process: there is none.
    #[derive(Debug)]
    pub(in crate::process) enum Captured {}

    impl Captured {
        pub(in crate::process) fn begin(_: &mut Streams) -> io::Result<Option<Captured>> {
            Err(unsupported_here())
        }

        pub(in crate::process) fn finish(&self) {
            match *self {}
        }
    }
}

pub(super) mod relay {
    use std::io;
    use std::process::ChildStderr;
    use std::sync::Arc;

    use crate::process::stderr_tail::Gauge;
    use crate::process::stdio::Streams;
    use crate::sys::unsupported_here;

    /// The standard error of a child: there is none.
    #[derive(Debug, Clone)]
    pub(crate) enum Relayed {}

    impl Relayed {
        pub(in crate::process) fn new(
            _: &mut Streams,
            _: usize,
            _: Option<Arc<dyn Gauge>>,
            _: bool,
        ) -> io::Result<(Relayed, Option<ChildStderr>)> {
            Err(unsupported_here())
        }

        pub(crate) fn end(&self) {
            match *self {}
        }

        pub(crate) fn settle(&self) {
            match *self {}
        }

        pub(crate) fn text(&self, _: u64) -> Option<Box<str>> {
            match *self {}
        }
    }
}

pub(super) mod fork_server {
    /// Asks for the spares that are missing: there are none.
    pub(in crate::process) fn replenish() {}
}
