//! What is there before anything fails.

use std::path::{Path, PathBuf};
use std::time::Duration;

use multiproc_cluster::{Cluster, ClusterBuilder};

use super::machines::{Disk, Network, agent_at, enter};
use super::support::{self, AgentProcess, NatsServer};
use super::three;

/// How long the server may be away, where it does not come back by itself.
const AWAY: Duration = Duration::from_secs(10);

/// Servers and agents, to be ill-treated.
pub(crate) struct World {
    pub(crate) servers: Vec<NatsServer>,
    pub(crate) agents: Vec<AgentProcess>,
    pub(crate) network: Option<Network>,
    pub(crate) disk: Option<Disk>,
    pub(crate) directory: PathBuf,
}

impl World {
    fn of(servers: Vec<NatsServer>, agents: Vec<AgentProcess>) -> World {
        World {
            servers,
            agents,
            network: None,
            disk: None,
            directory: PathBuf::new(),
        }
    }

    /// A server and two agents on one machine.
    pub(crate) fn small(_: &Path) -> (World, Cluster) {
        let (server, agents, cluster) = support::cluster(2, 1);
        (World::of(vec![server], agents), cluster)
    }

    /// Three servers that are one, and two agents.
    pub(crate) fn large(_: &Path) -> (World, Cluster) {
        let servers = three::three();
        let urls: Vec<_> = servers.iter().map(NatsServer::url).collect();
        let urls = urls.join(",");
        let cluster = three::connected_to_three(&urls);
        let agents = vec![AgentProcess::start(&urls, 1), AgentProcess::start(&urls, 1)];
        (World::of(servers, agents), cluster)
    }

    /// The second of two agents is on another machine.
    pub(crate) fn agent_afar(_: &Path) -> (World, Cluster) {
        let network = Network::new();
        let server = NatsServer::with_config("host: 0.0.0.0");
        let (near, far) = network.places();
        let agents = vec![
            agent_at(near.as_deref(), &network.near_url(server.port)),
            agent_at(far.as_deref(), &network.far_url(server.port)),
        ];
        let cluster = server.cluster();
        let mut world = World::of(vec![server], agents);
        world.network = Some(network);
        (world, cluster)
    }

    /// The submitter is on another machine than the server and the agents.
    pub(crate) fn submitter_afar(_: &Path) -> (World, Cluster) {
        let network = Network::new();
        let server = NatsServer::with_config("host: 0.0.0.0");
        let (near, far) = network.places();
        let near_url = network.near_url(server.port);
        let agents = (0..2).map(|_| agent_at(near.as_deref(), &near_url));
        let agents = agents.collect();
        if let Some(far) = far {
            enter(&far).unwrap();
        }
        let cluster = builder(&network.far_url(server.port)).connect().unwrap();
        let mut world = World::of(vec![server], agents);
        world.network = Some(network);
        (world, cluster)
    }

    /// The server has a disk of its own.
    pub(crate) fn small_disk(directory: &Path) -> (World, Cluster) {
        let store = directory.join("disk");
        std::fs::create_dir(&store).unwrap();
        let disk = Disk::new(&store, 64);
        let server = match &disk {
            Some(disk) => NatsServer::by(disk.prefix(), &store),
            None => NatsServer::with_limit("", 256 << 10),
        };
        let agents = (0..2).map(|_| AgentProcess::start(&server.url(), 1));
        let agents = agents.collect();
        let cluster = builder(&server.url()).server_timeout(AWAY).connect();
        let mut world = World::of(vec![server], agents);
        world.disk = disk;
        (world, cluster.unwrap())
    }
}

fn builder(url: &str) -> ClusterBuilder {
    Cluster::builder(support::server(url))
}
