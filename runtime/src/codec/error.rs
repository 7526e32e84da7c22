use std::fmt;

/// Why a value could not be written or read, in a sentence.
///
/// One word wide: a result without a value is returned in a register then, and each `?` on the way of
/// a value is a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Error(Box<Reason>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Reason(String);

impl Error {
    #[cold]
    pub(crate) fn new(message: impl Into<String>) -> Error {
        Error(Box::new(Reason(message.into())))
    }

    /// An error of something else.
    #[cold]
    pub(crate) fn display(error: impl fmt::Display) -> Error {
        Error::new(error.to_string())
    }

    /// A handle arrived, but not as one is sent.
    #[cold]
    pub(crate) fn damaged_handle() -> Error {
        Error::new("a handle is damaged, or what it stood for is gone")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.0)
    }
}

impl std::error::Error for Error {}

impl serde::ser::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Error {
        Error::new(message.to_string())
    }
}

impl serde::de::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Error {
        Error::new(message.to_string())
    }
}
