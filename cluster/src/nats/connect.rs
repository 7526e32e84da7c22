//! Getting a connection, which then comes back by itself whenever it breaks.

use std::fmt::Display;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::{Client, ConnectOptions, Event, ServerInfo};
use tokio::sync::watch;

use super::refusal::{Complaints, not_connected};
use super::streams::{self, Terms};
use super::{Inner, Nats, REQUEST_TIME};
use crate::engine::{Cause, EngineError, Result};
use crate::server::{Login, Server};
use crate::submitter::lock;

/// The oldest server that keeps what it was given when it crashes.
const OLDEST: (u64, u64, u64) = (2, 10, 23);

/// How long a client takes to come back after a server, at most: longer than it waits between attempts.
const COME_BACK: Duration = Duration::from_secs(5);

/// When the connection came back.
#[derive(Debug, Clone, Default)]
pub(super) struct Reconnected(Arc<Mutex<Option<Instant>>>);

impl Reconnected {
    fn note(&self) {
        *lock(&self.0) = Some(Instant::now());
    }

    pub(super) fn is_just_now(&self) -> bool {
        lock(&self.0).is_some_and(|since| since.elapsed() < COME_BACK)
    }
}

/// Who connects.
#[derive(Debug, Clone)]
pub(crate) enum Role {
    /// It makes what is not there yet, on these terms.
    Submitter(Terms),
    /// It waits for that: the terms are not its own.
    Agent,
}

/// Connects, within a time, and sees that there is what is needed.
pub(crate) async fn connect(
    server: &Server,
    name: &str,
    build: &str,
    role: Role,
    limit: Duration,
) -> Result<Nats> {
    let complaints = Complaints::new(&server.prefix);
    let connecting = connect_now(server, name, build, role, &complaints);
    match tokio::time::timeout(limit, connecting).await {
        Ok(connected) => connected,
        Err(_) => {
            let late = format!("the server did not answer within {limit:?}");
            Err(EngineError::new(
                Cause::Away,
                complaints.explain(late, &server.prefix),
            ))
        }
    }
}

async fn connect_now(
    server: &Server,
    name: &str,
    build: &str,
    role: Role,
    complaints: &Complaints,
) -> Result<Nats> {
    let (sender, connected) = watch::channel(true);
    let heard = complaints.clone();
    let reconnected = Reconnected::default();
    let back = reconnected.clone();
    let mut options = ConnectOptions::new()
        .name(name)
        // An agent that is cut off is to know it soon.
        .ping_interval(Duration::from_secs(5))
        .connection_timeout(REQUEST_TIME)
        .reconnect_delay_callback(|attempts| {
            let attempts = u32::try_from(attempts.min(5)).unwrap_or(5);
            Duration::from_millis(50) * 2_u32.pow(attempts)
        })
        .event_callback(move |event| {
            heard.note(&event);
            let connected = match event {
                Event::Connected => Some(true),
                Event::Disconnected | Event::Closed => Some(false),
                _ => None,
            };
            if let Some(connected) = connected {
                // The first connection is no change.
                sender.send_if_modified(|before| {
                    let is_changed = std::mem::replace(before, connected) != connected;
                    if is_changed && connected {
                        back.note();
                    }
                    is_changed
                });
            }
            std::future::ready(())
        });
    options = match &server.login {
        Login::Anonymous => options,
        Login::Token(token) => options.token(token.clone()),
        Login::Password(user, password) => {
            options.user_and_password(user.clone(), password.clone())
        }
        Login::CredentialsFile(path) => {
            let with = options.credentials_file(path).await;
            with.map_err(|error| {
                let path = path.display();
                EngineError::new(
                    Cause::Refused,
                    format_args!("the credentials cannot be read from `{path}`: {error}"),
                )
            })?
        }
    };
    if let Some(path) = &server.ca_file {
        options = options.add_root_certificates(path.clone());
    }
    if let Some((certificate, key)) = &server.client_certificate {
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    if server.requires_tls() {
        options = options.require_tls(true);
    }
    // Where answers arrive is an owner's, too.
    options = options.custom_inbox_prefix(format!("_INBOX.{}", server.inbox()));
    let client = options
        .connect(&server.addresses)
        .await
        .map_err(|error| not_connected(&error, server))?;
    check_version(&client.server_info())?;
    let complaints = complaints.clone();
    let seen = (connected, reconnected);
    let connected = with_streams(client, seen, server, build, role, complaints.clone()).await;
    connected
        .map_err(|error| EngineError::new(error.cause, complaints.explain(error, &server.prefix)))
}

async fn with_streams(
    client: Client,
    (connected, reconnected): (watch::Receiver<bool>, Reconnected),
    server: &Server,
    build: &str,
    role: Role,
    complaints: Complaints,
) -> Result<Nats> {
    let context = async_nats::jetstream::ContextBuilder::new()
        .timeout(REQUEST_TIME)
        .max_ack_inflight(4096)
        .build(client.clone());
    let prefix = &server.prefix;
    if let Role::Submitter(terms) = role {
        terms.make(&context, prefix).await?;
        let bucket = streams::bucket(prefix, &server.owner);
        terms.make_bucket(&context, &bucket).await?;
    }
    let stream = async |name: &str| {
        let name = format!("{prefix}-{name}");
        context.get_stream_no_info(name).await.map_err(away)
    };
    let (tasks, records) = (stream("tasks").await?, stream("records").await?);
    let not_taken = client.new_inbox();
    Ok(Nats(Arc::new(Inner {
        client,
        context,
        connected,
        reconnected,
        complaints,
        prefix: server.prefix.clone(),
        build: build.to_owned(),
        tasks,
        records,
        answer_time: server.answer_time,
        not_taken,
    })))
}

fn check_version(server: &ServerInfo) -> Result<()> {
    let number = |part: &str| {
        let digits = part.find(|c: char| !c.is_ascii_digit());
        part[..digits.unwrap_or(part.len())].parse().unwrap_or(0)
    };
    let mut parts = server.version.splitn(3, '.').map(number);
    let mut next = || parts.next().unwrap_or(0);
    let version = (next(), next(), next());
    if version >= OLDEST {
        return Ok(());
    }
    let (major, minor, patch) = OLDEST;
    Err(EngineError::new(
        Cause::Refused,
        format_args!(
            "the server is NATS {}, which loses tasks when it crashes: {major}.{minor}.{patch} or newer is needed",
            server.version
        ),
    ))
}

/// The server does not answer now.
pub(super) fn away(error: impl Display) -> EngineError {
    EngineError::new(Cause::Away, error)
}
