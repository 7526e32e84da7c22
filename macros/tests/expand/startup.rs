#[cfg(unix)]
fn start_logging() {}
#[cfg(unix)]
const _: () = {
    #[::multiproc::__private::linkme::distributed_slice(
        ::multiproc::__private::STARTUPS
    )]
    #[linkme(crate = ::multiproc::__private::linkme)]
    static STARTUP: ::multiproc::__private::Startup = ::multiproc::__private::Startup::new(
        "start_logging",
        ::core::module_path!(),
        start_logging,
    );
};
