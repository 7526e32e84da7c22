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
}

impl<E: StdError + Send + Sync + 'static> From<E> for RemoteError {
    fn from(error: E) -> RemoteError {
        RemoteError(Link::new(&error))
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

impl From<RemoteError> for Box<dyn StdError + Send + Sync> {
    fn from(error: RemoteError) -> Self {
        Box::new(error.0)
    }
}

impl From<RemoteError> for Box<dyn StdError> {
    fn from(error: RemoteError) -> Self {
        Box::new(error.0)
    }
}

/// Formats the message; `{:#}` adds those of the sources, separated by colons.
impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)?;
        if f.alternate() {
            let mut source = &self.0.source;
            while let Some(link) = source {
                write!(f, ": {link}")?;
                source = &link.source;
            }
        }
        Ok(())
    }
}

/// Formats the `Debug` text of the original error.
impl fmt::Debug for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Link {
    fn new(error: &dyn StdError) -> Link {
        Link {
            message: error.to_string(),
            debug: format!("{error:?}"),
            source: error.source().map(|source| Box::new(Link::new(source))),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
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
