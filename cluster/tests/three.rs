//! Three servers that are one cluster of NATS.

use std::net::TcpListener;

use multiproc_cluster::Cluster;

use crate::support::{NatsServer, server, wait_until};

/// Starts them.
pub fn three() -> Vec<NatsServer> {
    // Ports that are free, once they are let go of.
    let ports = || {
        let bound: Vec<_> = (0..3)
            .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
            .collect();
        bound
            .iter()
            .map(|it| it.local_addr().unwrap().port())
            .collect::<Vec<_>>()
    };
    let ports = ports();
    let routes: Vec<_> = ports
        .iter()
        .map(|port| format!("nats://127.0.0.1:{port}"))
        .collect();
    let start = |(number, port)| {
        NatsServer::with_config(&format!(
            "server_name: n{number}\ncluster {{ name: three, listen: \"127.0.0.1:{port}\", routes: [{}] }}",
            routes.join(", ")
        ))
    };
    ports.iter().enumerate().map(start).collect()
}

/// Connects to them, as soon as they have found each other.
pub fn connected_to_three(urls: &str) -> Cluster {
    let mut connected = None;
    wait_until("the servers have found each other", || {
        let connecting = Cluster::builder(server(urls)).replicas(3).connect();
        connected = connecting.ok();
        connected.is_some()
    });
    connected.unwrap()
}

/// Which server leads the tasks, by its number.
pub fn leader(urls: &str) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let leader = runtime.block_on(async {
        let urls: Vec<_> = urls.split(',').map(str::to_owned).collect();
        let context = async_nats::jetstream::new(async_nats::connect(urls).await.unwrap());
        let stream = context.get_stream("multiproc-tasks").await.unwrap();
        stream
            .cached_info()
            .cluster
            .as_ref()
            .unwrap()
            .leader
            .clone()
            .unwrap()
    });
    leader.strip_prefix('n').unwrap().parse().unwrap()
}
