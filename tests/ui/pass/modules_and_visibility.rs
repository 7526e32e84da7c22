//! One `use` imports the function and the type; both are as visible as the user said.
#![deny(warnings)]

mod first {
    use multiproc::worker;

    #[worker]
    pub(crate) fn work() -> u8 {
        1
    }

    pub(super) mod inner {
        use multiproc::worker;

        #[worker]
        pub(super) fn work() -> u8 {
            2
        }

        #[worker]
        pub(in super::super) fn distant() -> u8 {
            private::run().unwrap() + private()
        }

        #[worker]
        fn private() -> u8 {
            2
        }
    }

    pub(crate) fn inner_work() -> u8 {
        inner::work::run().unwrap()
    }
}

mod second {
    use multiproc::worker;

    #[worker]
    pub fn work() -> u8 {
        3
    }
}

use first::work;

#[test]
fn it_runs() {
    assert_eq!(work(), 1);
    assert_eq!(work::run().unwrap(), 1);
    assert_eq!(first::inner_work(), 2);
    assert_eq!(first::inner::distant::run().unwrap(), 4);
    assert_eq!(second::work::run().unwrap(), 3);
    assert_eq!(second::work(), 3);
}
