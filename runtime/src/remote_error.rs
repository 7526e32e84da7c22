//! Errors that serde cannot carry.

use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

/// Any error, in a form that crosses the process boundary.
///
/// Few error types can be sent; [`std::io::Error`], for example, cannot. A worker that returns
/// `Result<T, RemoteError>` can use `?` on all of them. The message, the messages of the
/// [sources](std::error::Error::source) and the `Debug` text arrive; the type does not.
///
/// Like `anyhow::Error` it is not itself a [`std::error::Error`], so that every type that is one
/// can be converted to it, and it derefs to one.
///
/// # Conversions
///
/// Made by `?` and `into` from everything that converts to `Box<dyn Error + Send + Sync>`: errors,
/// that box itself, `anyhow::Error`, `&str`, `String`.
///
/// Made by `?` and `into` of it: an [`Error`](crate::Error) of this crate, `Box<dyn Error>`, and with
/// the feature `anyhow`, which is off by default, an `anyhow::Error`.
///
/// | not converted by `?` | write |
/// |---|---|
/// | `Box<dyn Error>` and other errors that threads cannot share, in a worker | `.map_err(\|error\| RemoteError::new(&*error))?` |
/// | to `Box<dyn Error + Send + Sync>`, and to the errors of other crates | `.map_err(RemoteError::into_error)?` |
///
/// # Examples
///
/// ```
/// use multiproc::{RemoteError, worker};
/// use std::path::Path;
///
/// #[worker]
/// fn line_count(path: &Path) -> Result<usize, RemoteError> {
///     Ok(std::fs::read_to_string(path)?.lines().count())
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let error = line_count::run(Path::new("/no/such/file"))?.unwrap_err();
/// assert_eq!(error.to_string(), "No such file or directory (os error 2)");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteError(Link);

/// An error and those behind it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Link {
    message: String,
    debug: String,
    source: Option<Box<Link>>,
}

impl RemoteError {
    /// Creates an error that says what another one says, also one that threads cannot share.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{RemoteError, worker};
    /// use std::error::Error;
    ///
    /// fn parse(text: &str) -> Result<u32, Box<dyn Error>> {
    ///     Ok(text.parse()?)
    /// }
    ///
    /// #[worker]
    /// fn double(text: &str) -> Result<u32, RemoteError> {
    ///     let number = parse(text).map_err(|error| RemoteError::new(&*error))?;
    ///     Ok(2 * number)
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// assert_eq!(double::run("21")??, 42);
    /// let error = double::run("many")?.unwrap_err();
    /// assert_eq!(error.to_string(), "invalid digit found in string");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new<E: StdError + ?Sized>(error: &E) -> RemoteError {
        RemoteError(Link::new(error))
    }

    /// Creates an error of a message.
    ///
    /// # Examples
    ///
    /// ```
    /// let error = multiproc::RemoteError::msg("the file has no header");
    /// assert_eq!(error.to_string(), "the file has no header");
    /// ```
    #[must_use]
    pub fn msg(message: impl fmt::Display) -> RemoteError {
        let message = message.to_string();
        RemoteError(Link {
            debug: format!("{message:?}"),
            message,
            source: None,
        })
    }

    /// Returns the error as a type that implements [`std::error::Error`], for those to which it does
    /// not convert by itself.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{RemoteError, worker};
    /// use std::error::Error;
    ///
    /// #[worker]
    /// fn parse(text: &str) -> Result<u32, RemoteError> {
    ///     Ok(text.parse()?)
    /// }
    ///
    /// fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    ///     let number = parse::run("7")?.map_err(RemoteError::into_error)?;
    ///     assert_eq!(number, 7);
    ///     Ok(())
    /// }
    /// ```
    #[must_use]
    pub fn into_error(self) -> impl StdError + Send + Sync + 'static {
        self.0
    }
}

/// A bound on `Error` would leave out `anyhow::Error`, which may become one as far as the compiler
/// knows. All of these can be boxed. The price is that a `RemoteError` must not convert to that box:
/// this would be a second conversion of it to itself.
impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for RemoteError {
    fn from(error: E) -> RemoteError {
        RemoteError(Link::new(&*error.into()))
    }
}

impl Deref for RemoteError {
    type Target = dyn StdError + Send + Sync + 'static;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl AsRef<dyn StdError + Send + Sync> for RemoteError {
    fn as_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &self.0
    }
}

impl From<RemoteError> for Box<dyn StdError> {
    fn from(error: RemoteError) -> Self {
        Box::new(error.0)
    }
}

#[cfg(feature = "anyhow")]
#[cfg_attr(docsrs, doc(cfg(feature = "anyhow")))]
impl From<RemoteError> for anyhow::Error {
    fn from(error: RemoteError) -> Self {
        anyhow::Error::new(error.0)
    }
}

/// Formats the message; `{:#}` adds those of the sources, separated by colons.
impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Formats the `Debug` text of the original error.
impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Link {
    fn new<E: StdError + ?Sized>(error: &E) -> Link {
        Link {
            message: error.to_string(),
            debug: format!("{error:?}"),
            source: error.source().map(|source| Box::new(Link::new(source))),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if f.alternate() {
            let mut source = &self.source;
            while let Some(link) = source {
                write!(f, ": {link}")?;
                source = &link.source;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.debug)
    }
}

impl StdError for Link {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_messages_sources_and_debug_text() {
        let inner = std::io::Error::from_raw_os_error(2);
        let outer = crate::Error::new(crate::ErrorKind::Spawn, "cannot start").with_source(inner);
        let debug = format!("{outer:?}");
        let error = RemoteError::from(outer);
        assert_eq!(
            error.to_string(),
            "cannot start: No such file or directory (os error 2)"
        );
        assert_eq!(format!("{error:?}"), debug);
        assert_eq!(
            error.source().unwrap().to_string(),
            "No such file or directory (os error 2)"
        );
    }

    #[test]
    fn texts_are_errors() {
        for error in [
            RemoteError::from("no header"),
            RemoteError::from("no header".to_owned()),
            RemoteError::msg("no header"),
        ] {
            assert_eq!(error.to_string(), "no header");
            assert_eq!(format!("{error:?}"), "\"no header\"");
        }
    }

    #[test]
    fn becomes_an_error_of_the_crate_with_all_sources() {
        let link = |message: &str, source| Link {
            message: message.into(),
            debug: String::new(),
            source,
        };
        let error = RemoteError(link("a", Some(Box::new(link("b", None)))));
        let error = crate::Error::from(error);
        assert_eq!(error.kind(), crate::ErrorKind::Returned);
        assert_eq!(error.to_string(), "the worker returned an error: a: b");
        assert_eq!(error.duplicate().to_string(), error.to_string());
        let source = StdError::source(&error).unwrap();
        assert_eq!(source.to_string(), "a");
        assert_eq!(source.source().unwrap().to_string(), "b");
    }

    #[test]
    fn the_alternate_form_shows_the_sources() {
        let link = |message: &str, source| Link {
            message: message.into(),
            debug: String::new(),
            source,
        };
        let error = RemoteError(link(
            "a",
            Some(Box::new(link("b", Some(Box::new(link("c", None)))))),
        ));
        assert_eq!(format!("{error}"), "a");
        assert_eq!(format!("{error:#}"), "a: b: c");
    }
}
