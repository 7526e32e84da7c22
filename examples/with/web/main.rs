//! How does a web service run work that may crash or never end, and stop it when its client has gone?
//!
//! ```text
//! cargo run --example web                      # serves until Ctrl-C
//! cargo run --example web -- 127.0.0.1:8080    # at another address
//! ```
//!
//! | in another terminal | answer |
//! |---|---|
//! | `curl 'http://127.0.0.1:8000/factor?number=91'` | 200: the smallest factor |
//! | the same with `number=0` | 500: the worker crashes, and the service goes on |
//! | `number=18446744073709551557`, a prime | 504: it takes too long, and is killed |
//! | the same, with Ctrl-C for `curl` | the client has gone: its worker is killed |
//! | very many at once | 503: try again later |
//!
//! A handler of hyper is a future, which is dropped when its client has gone. The task that it awaits
//! is dropped with it, and [`kill_on_drop`](multiproc::Call::kill_on_drop) ends what a dropped task
//! stands for. The same holds for handlers of other libraries, such as axum.

use std::convert::Infallible;
use std::error::Error;
use std::process::{abort, id};
use std::sync::Arc;
use std::time::Duration;
use std::{env, pin};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use multiproc::{ErrorKind, Pool, PoolBuilder, TrySubmitError, worker};
use tokio::net::TcpListener;
use tokio::signal::ctrl_c;

#[cfg(test)]
mod tests;

/// Finds the smallest factor of a number, at leisure.
#[worker]
fn smallest_factor(number: u64) -> u64 {
    println!("process {} factors {number}", id());
    if number == 0 {
        abort(); // as a library in C would that does not expect it
    }
    (2..number)
        .take_while(|factor| *factor <= number / factor)
        .find(|factor| number.is_multiple_of(*factor))
        .unwrap_or(number)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:8000");
    let pool = Pool::builder()
        .task_timeout(Duration::from_secs(5))
        .queue_limit(16);
    serve(address, pool).await
}

/// Serves until Ctrl-C, and then finishes what it has begun. Another Ctrl-C ends it at once.
async fn serve(address: &str, pool: PoolBuilder) -> Result<(), Box<dyn Error>> {
    // Ctrl-C is for the service: its workers have to finish.
    let pool = Arc::new(pool.ignore_interrupts().build()?);
    let listener = TcpListener::bind(address).await?;
    println!("http://{}", listener.local_addr()?);

    let connections = GracefulShutdown::new();
    let mut interrupted = pin::pin!(ctrl_c());
    loop {
        tokio::select! {
            connection = listener.accept() => match connection {
                Ok((stream, _)) => {
                    let pool = Arc::clone(&pool);
                    let handler = service_fn(move |request| answer(Arc::clone(&pool), request));
                    let connection =
                        http1::Builder::new().serve_connection(TokioIo::new(stream), handler);
                    // It fails when the client has gone, which is no concern of others.
                    tokio::spawn(connections.watch(connection));
                }
                Err(error) => eprintln!("a connection failed: {error}"),
            },
            stop = &mut interrupted => break stop?,
        }
    }

    println!("finishing {} requests", pool.active() + pool.queued());
    drop(listener);
    let finish = async {
        connections.shutdown().await;
        pool.shutdown_async().await
    };
    tokio::select! {
        finished = finish => Ok(finished?),
        // What still runs ends with the service.
        again = ctrl_c() => Ok(again?),
    }
}

/// Answers a request: with the truth, whatever becomes of the worker.
async fn answer(
    pool: Arc<Pool>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (status, text) = match number(&request) {
        Some(number) => factor(&pool, number).await,
        None => (
            StatusCode::NOT_FOUND,
            "there is /factor?number=91".to_owned(),
        ),
    };
    let mut response = Response::new(Full::from(text + "\n"));
    *response.status_mut() = status;
    Ok(response)
}

/// The number in `GET /factor?number=91`.
fn number(request: &Request<Incoming>) -> Option<u64> {
    let known = request.method() == Method::GET && request.uri().path() == "/factor";
    let query = request.uri().query().filter(|_| known)?;
    query.strip_prefix("number=")?.parse().ok()
}

async fn factor(pool: &Pool, number: u64) -> (StatusCode, String) {
    let call = smallest_factor::call(number).kill_on_drop(true);
    let task = match pool.try_submit(call) {
        Ok(task) => task,
        Err(TrySubmitError::Full(_)) => {
            let text = "too many requests wait already";
            return (StatusCode::SERVICE_UNAVAILABLE, text.to_owned());
        }
    };
    match task.await {
        Ok(factor) => (StatusCode::OK, factor.to_string()),
        Err(error) if error.kind() == ErrorKind::TimedOut => {
            (StatusCode::GATEWAY_TIMEOUT, error.to_string())
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    }
}
