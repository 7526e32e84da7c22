//! Descriptors: std's, and where it has none, types of which there are no values.

#[cfg(any(unix, target_os = "wasi"))]
pub(crate) use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

#[cfg(not(any(unix, target_os = "wasi")))]
pub(crate) use none::{AsFd, BorrowedFd, OwnedFd};

#[cfg(not(any(unix, target_os = "wasi")))]
#[expect(unnameable_types, reason = "users cannot have any either")]
mod none {
    use std::convert::Infallible;
    use std::io;
    use std::marker::PhantomData;

    #[derive(Debug)]
    pub struct OwnedFd(Infallible);

    #[derive(Debug, Clone, Copy)]
    pub struct BorrowedFd<'fd>(Infallible, PhantomData<&'fd OwnedFd>);

    pub trait AsFd {
        fn as_fd(&self) -> BorrowedFd<'_>;
    }

    impl OwnedFd {
        pub(crate) fn try_clone(&self) -> io::Result<OwnedFd> {
            match self.0 {}
        }
    }

    impl BorrowedFd<'_> {
        pub(crate) fn try_clone_to_owned(&self) -> io::Result<OwnedFd> {
            match self.0 {}
        }
    }

    impl AsFd for OwnedFd {
        fn as_fd(&self) -> BorrowedFd<'_> {
            match self.0 {}
        }
    }

    impl AsFd for BorrowedFd<'_> {
        fn as_fd(&self) -> BorrowedFd<'_> {
            *self
        }
    }

    impl<T: AsFd + ?Sized> AsFd for &T {
        fn as_fd(&self) -> BorrowedFd<'_> {
            T::as_fd(self)
        }
    }

    impl<T: AsFd + ?Sized> AsFd for std::sync::Arc<T> {
        fn as_fd(&self) -> BorrowedFd<'_> {
            T::as_fd(self)
        }
    }
}
