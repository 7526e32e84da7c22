//! `crate = ..` says where the runtime is.

mod facade {
    pub mod parallel {
        pub use multiproc::*;
        // Generated code only.
        pub use multiproc::__private;
    }
}

use facade::parallel as renamed;

#[multiproc::worker(crate = ::multiproc)]
fn absolute() -> u8 {
    1
}

#[multiproc::worker(crate = multiproc,)]
fn relative() -> u8 {
    2
}

#[renamed::worker(crate = renamed)]
fn aliased() -> u8 {
    3
}

mod inner {
    #[crate::crate_path::facade::parallel::worker(crate = crate::crate_path::facade::parallel)]
    pub(crate) fn through_a_facade(text: &str, (a, b): (u8, u8)) -> usize {
        text.len() + usize::from(a + b)
    }

    #[multiproc::worker(crate = super::renamed)]
    pub(crate) fn through_super() -> ! {
        std::process::exit(5)
    }
}

#[renamed::test(crate = renamed)]
fn isolated() {
    assert_eq!(aliased(), 3);
}

#[renamed::startup(crate = renamed)]
fn start() {}

#[multiproc::worker()]
fn no_options() -> u8 {
    6
}

#[test]
fn it_runs() {
    assert_eq!(absolute::run().unwrap(), 1);
    assert_eq!(relative::run().unwrap(), 2);
    assert_eq!(aliased::run().unwrap(), 3);
    assert_eq!(inner::through_a_facade::run("text", (1, 2)).unwrap(), 7);
    assert!(inner::through_super::run().is_err());
    assert_eq!(no_options::run().unwrap(), 6);
}
