//! Services: objects that live in processes of their own.
//!
//! ```text
//!  client's process                 parent                         process of the service
//!  Client ─ Link ── door ─────────▶ Supervisor ──── Order ───────▶ Host
//!    │        │                       │   ▲  └──── call, again ──▶   │ Served: construct, method
//!    ▼        ▼                       │   └─────── Report, end ────── │
//!  Request ─▶ Connection ◀─ Welcome, Died, Over                       │
//!    │          │  ▲                                                  │
//!    ▼          │  └──────────────── replies ────────────────────────┤
//!  Pending      └── Queue of requests, in shared memory ─────────────▶┘
//! ```
//!
//! * [`served`] is what generated code says of a type, [`request_info`] of a method, [`launch`](mod@launch) what users say of its processes.
//! * [`supervisor`] is the parent's side: it starts processes, each an [`incarnation`], lets clients in, and
//!   tells them of deaths. [`handle`] is that for users, [`supervised`] what the two share, [`event`] what
//!   users are told.
//! * [`serve`](mod@serve) is the process: it runs the requests that its [`host`] takes out of the queue, and
//!   [`routes`] lead replies to their clients.
//! * [`client`] is a handle, [`link`] the one way of a process to a service, and [`connection`] what is at
//!   the end of that. [`request`](mod@request) and [`pending`] are a request before and after it was sent,
//!   [`departure`] is one on its way, and [`request_future`] what does all that without blocking a thread.
//! * [`wire`] is what they write to each other, [`mailer`] sends without waiting, [`board`] is the memory
//!   in which they note what needs no message.
//! * [`serving`] is what a thread knows of the request that it runs, [`graph`] who waits for whom.
//!
//! # What if a process dies
//!
//! A process of a service is an ordinary call, so its death is told as any. The queue of requests outlives
//! it. A request is begun when it was taken out of the queue, so the number of the first that is there says
//! which were lost. The tables in [`supervisor`] and [`connection`] have the rest.

#![expect(
    clippy::missing_errors_doc,
    reason = "what lacks it is public for generated code, and hidden"
)]

mod board;
mod client;
mod connection;
mod departure;
mod event;
mod graph;
mod handle;
mod host;
mod incarnation;
mod launch;
mod link;
mod mailer;
mod pending;
mod request;
mod request_future;
mod request_info;
mod routes;
mod serve;
mod served;
mod serving;
mod supervised;
mod supervisor;
mod wire;

pub use client::{Client, ServiceClient};
pub use event::{ServiceEvent, ServiceEvents};
pub use handle::Service;
pub use launch::{Launch, launch};
pub use pending::Pending;
pub use request::{Request, request};
pub use request_future::RequestFuture;
pub use request_info::RequestInfo;
pub use serve::{serve, serve_in_parallel};
pub use served::{Method, Served, Unbuilt, constructor_failed, constructor_gave_none};
