//! Why there is no connection, or nothing to be had over it: in words that say what can be done.

use std::error::Error as _;
use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::{ConnectError, ConnectErrorKind, Event};

use super::REQUEST_TIME;
use crate::engine::{Cause, EngineError};
use crate::server::{Login, Server};
use crate::submitter::lock;

/// Says why a server could not be connected to.
pub(super) fn not_connected(error: &ConnectError, server: &Server) -> EngineError {
    let place = place(server);
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    let who = match &server.login {
        Login::Anonymous => {
            "asks who connects: it needs a user and a password, a token or a file of credentials"
                .to_owned()
        }
        Login::Token(_) => "refuses the token".to_owned(),
        Login::Password(user, _) => format!("refuses the user `{user}`, or the password"),
        Login::CredentialsFile(path) => format!("refuses the credentials of `{}`", path.display()),
    };
    let text = match error.kind() {
        ConnectErrorKind::ServerParse => {
            format!("{place} is no address such as `nats://host:4222`: {source}")
        }
        ConnectErrorKind::Dns => format!("no machine has the name in {place}: {source}"),
        ConnectErrorKind::AuthorizationViolation => format!("the server at {place} {who}"),
        ConnectErrorKind::Authentication => {
            format!("the credentials for {place} cannot be used: {error}")
        }
        ConnectErrorKind::TimedOut => format!(
            "what is at {place} does not answer as a NATS server does, within {REQUEST_TIME:?}"
        ),
        ConnectErrorKind::Tls => {
            format!("TLS with {place} cannot begin: are these files as they should be? {source}")
        }
        ConnectErrorKind::Io if source.contains("certificate") => format!(
            "the certificate of the server at {place} is not believed: is `ca_file` the one that has signed it, and is the address a name in it? {source}"
        ),
        ConnectErrorKind::Io if source.contains("corrupt message") && server.requires_tls() => {
            format!(
                "the server at {place} does not speak TLS, which it is asked for by `tls://`, a `ca_file` or a `client_certificate`"
            )
        }
        ConnectErrorKind::Io if source.contains("refused") => {
            format!("no server listens at {place}: {source}")
        }
        _ => format!("{place}: {error}"),
    };
    EngineError::new(Cause::Refused, text)
}

/// Where the servers are, without passwords.
fn place(server: &Server) -> String {
    format!("`{}`", server.addresses.join(","))
}

/// What a server says of the questions that it does not answer: it tells who asks, and not in an answer.
#[derive(Debug, Clone)]
pub(super) struct Complaints(Arc<Noted>);

#[derive(Debug)]
struct Noted {
    latest: Mutex<Option<(String, Instant)>>,
    /// How a subject begins by which tasks are handed to agents, as the server quotes it, in small letters.
    handed: String,
    may_hand: AtomicBool,
}

/// For how long a complaint may be what explains something.
const LATELY: Duration = Duration::from_secs(30);

impl Complaints {
    pub(super) fn new(prefix: &str) -> Complaints {
        Complaints(Arc::new(Noted {
            latest: Mutex::default(),
            handed: format!("publish to \"{prefix}.h.").to_lowercase(),
            may_hand: AtomicBool::new(true),
        }))
    }

    /// Whether the server has not refused yet that a task is handed to an agent.
    pub(super) fn may_hand(&self) -> bool {
        self.0.may_hand.load(Ordering::Relaxed)
    }

    pub(super) fn note(&self, event: &Event) {
        if let Event::ServerError(error) = event {
            let text = error.to_string();
            let lower = text.to_lowercase();
            if !lower.contains("permissions violation") {
                return;
            }
            if lower.contains(&self.0.handed) {
                // It is not needed: such tasks go the way of all others.
                self.0.may_hand.store(false, Ordering::Relaxed);
            } else {
                *lock(&self.0.latest) = Some((text, Instant::now()));
            }
        }
    }

    /// What the server does not allow, if there was something lately.
    pub(super) fn latest(&self) -> Option<String> {
        let noted = lock(&self.0.latest);
        let (text, when) = noted.as_ref()?;
        (when.elapsed() < LATELY).then(|| {
            let text = text.strip_prefix("nats: ").unwrap_or(text);
            format!("the server does not allow this user what is needed: {text}")
        })
    }

    /// Says why something of the server cannot be had.
    pub(super) fn explain(&self, error: impl Display, prefix: &str) -> String {
        let text = error.to_string();
        let has = |part: &str| text.contains(part);
        if has("requested JetStream resource does not exist") || has("10039") || has("10076") {
            "JetStream is not enabled at the server, or not ready yet: it is started with `--jetstream`"
                .to_owned()
        } else if has("10059") || has("stream not found") {
            format!(
                "nothing of the prefix `{prefix}` is at the server yet: the first submitter that connects makes it"
            )
        } else if has("10023") || has("10047") || has("insufficient") {
            format!("the server has no room: {text}")
        } else if let Some(complaint) = self.latest() {
            complaint
        } else {
            text
        }
    }
}
