#[cfg(unix)]
fn start_logging() {}
#[cfg(unix)]
const _: () = {
    use ::multiproc::__private::macros::register_startup as __register;
    __register!(
        < ::multiproc::__private::Startup > ::new("start_logging",
        ::core::module_path!(), start_logging)
    )
};
