//! The server, and who connects to it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// A NATS server: where it is, who connects to it, and under which names.
///
/// [`Cluster`](crate::Cluster) and [`Agent`](crate::Agent) take one, or just an address: several separated by
/// commas are the servers of one cluster of NATS.
///
/// # Examples
///
/// ```
/// use multiproc_cluster::Server;
///
/// let server = Server::new("nats://one:4222,nats://two:4222,nats://three:4222")
///     .password("alice", "secret")
///     .owner("alice")
///     .ca_file("/etc/ssl/queue.pem");
/// println!("{server:?}");
/// ```
#[derive(Clone)]
pub struct Server {
    pub(crate) addresses: Vec<String>,
    pub(crate) login: Login,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) client_certificate: Option<(PathBuf, PathBuf)>,
    pub(crate) prefix: String,
    pub(crate) owner: String,
    pub(crate) inbox: Option<String>,
    pub(crate) answer_time: Duration,
}

/// Who connects.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Login {
    Anonymous,
    Token(String),
    Password(String, String),
    CredentialsFile(PathBuf),
}

impl Server {
    /// The server at this address: `nats://host:4222`, or `tls://host:4222` for one that is to be asked for TLS.
    /// Several are separated by commas.
    ///
    /// An address may say who connects, as `nats://user:password@host:4222` or `nats://token@host:4222`: that counts
    /// for all of them. Characters that an address cannot have are written as `%` and their code.
    #[must_use]
    pub fn new(addresses: impl AsRef<str>) -> Server {
        let mut login = Login::Anonymous;
        let addresses = addresses.as_ref().split(',').map(|address| {
            let (address, who) = without_login(address.trim());
            if let Some(who) = who {
                login = who;
            }
            address
        });
        Server {
            addresses: addresses.collect(),
            login,
            ca_file: None,
            client_certificate: None,
            prefix: "multiproc".to_owned(),
            owner: "all".to_owned(),
            inbox: None,
            answer_time: Duration::from_secs(30),
        }
    }

    /// Connects with a user's name and password.
    #[must_use]
    pub fn password(mut self, user: impl Into<String>, password: impl Into<String>) -> Server {
        self.login = Login::Password(user.into(), password.into());
        self
    }

    /// Connects with a token.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Server {
        self.login = Login::Token(token.into());
        self
    }

    /// Connects with a file of credentials, as `nsc` writes it: a token and the seed of a key.
    #[must_use]
    pub fn credentials_file(mut self, path: impl Into<PathBuf>) -> Server {
        self.login = Login::CredentialsFile(path.into());
        self
    }

    /// Believes a server whose certificate was signed by one in this file, in PEM. It is asked for TLS.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Server {
        self.ca_file = Some(path.into());
        self
    }

    /// Shows the server a certificate, with its key, both in PEM.
    #[must_use]
    pub fn client_certificate(
        mut self,
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Server {
        self.client_certificate = Some((certificate.into(), key.into()));
        self
    }

    /// The beginning of all names at the server; `multiproc` by default. Programs that have different ones know
    /// nothing of each other.
    ///
    /// It has letters, digits, `-` and `_` only; to connect with another is an error.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Server {
        self.prefix = prefix.into();
        self
    }

    /// The owner of the tasks; `all` by default. It stands in the subjects of tasks and results, so that the
    /// permissions of a server's users can name it: see the page
    /// [`guide`](crate::guide).
    ///
    /// It has letters, digits, `-` and `_` only; to connect with another is an error.
    #[must_use]
    pub fn owner(mut self, owner: impl Into<String>) -> Server {
        self.owner = owner.into();
        self
    }

    /// The name under which answers of the server arrive, as `_INBOX.NAME.>`; that of the owner by default.
    ///
    /// It has letters, digits, `-` and `_` only; to connect with another is an error.
    #[must_use]
    pub fn inbox_name(mut self, name: impl Into<String>) -> Server {
        self.inbox = Some(name.into());
        self
    }

    /// The time without a word of its agent after which a task is given to another agent, which runs it again if its
    /// call has [`retries`](multiproc::Call::retries) left, and says otherwise that it is lost; 30 seconds by
    /// default. An agent says something three times in that time.
    ///
    /// It counts for the first agent of a build that connects; the server keeps it. For a call that is alone, and went
    /// straight to an agent, that of the submitter counts.
    #[must_use]
    pub fn answer_timeout(mut self, timeout: Duration) -> Server {
        self.answer_time = timeout;
        self
    }

    pub(crate) fn inbox(&self) -> &str {
        self.inbox.as_deref().unwrap_or(&self.owner)
    }

    pub(crate) fn requires_tls(&self) -> bool {
        self.ca_file.is_some()
            || self.client_certificate.is_some()
            || self.addresses.iter().any(|it| it.starts_with("tls://"))
    }
}

/// Takes out of an address who connects: the client does not look there.
fn without_login(address: &str) -> (String, Option<Login>) {
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), address),
    };
    let Some((who, host)) = rest.rsplit_once('@') else {
        return (address.to_owned(), None);
    };
    let login = match who.split_once(':') {
        Some((user, password)) => Login::Password(decoded(user), decoded(password)),
        None => Login::Token(decoded(who)),
    };
    (format!("{scheme}{host}"), Some(login))
}

/// A part of an address, whose `%41` is an `A`.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let code = (*first == b'%')
            .then(|| others.first_chunk::<2>())
            .flatten();
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &others[2..];
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl<S: AsRef<str>> From<S> for Server {
    fn from(addresses: S) -> Server {
        Server::new(addresses)
    }
}

/// Without passwords.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("addresses", &self.addresses)
            .field("prefix", &self.prefix)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(address: &str, place: &str, login: &Login) {
        let server = Server::new(address);
        assert_eq!(server.addresses, [place]);
        assert!(server.login == *login);
        assert!(!format!("{server:?}").contains("secret"));
    }

    #[test]
    fn an_address_may_say_who_connects() {
        let user = |name: &str, password: &str| Login::Password(name.into(), password.into());
        is("nats://host:1", "nats://host:1", &Login::Anonymous);
        is("host", "host", &Login::Anonymous);
        is(
            "nats://a:secret@host:1",
            "nats://host:1",
            &user("a", "secret"),
        );
        is("a:secret@host", "host", &user("a", "secret"));
        is(
            "tls://secret@host",
            "tls://host",
            &Login::Token("secret".into()),
        );
        is(
            "nats://a:secret%40%3a%@host",
            "nats://host",
            &user("a", "secret@:%"),
        );
        is(
            "nats://a:secret@%é@host",
            "nats://host",
            &user("a", "secret@%é"),
        );
    }

    #[test]
    fn one_address_says_it_for_all() {
        let server = Server::new("nats://a:b@one, nats://two");
        assert_eq!(server.addresses, ["nats://one", "nats://two"]);
        assert!(server.login == Login::Password("a".into(), "b".into()));
    }
}
