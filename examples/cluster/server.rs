//! The server, and who connects to it.

use multiproc_cluster::Server;

/// The server at an address. If it asks for a token, that is in the environment, where `ps` does not show it.
pub(crate) fn server(url: &str) -> Server {
    match std::env::var("NATS_TOKEN") {
        Ok(token) => Server::new(url).token(token),
        Err(_) => Server::new(url),
    }
}
