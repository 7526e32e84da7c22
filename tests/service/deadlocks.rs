//! Services that wait for one another are told so at once.

use std::time::Duration;

use multiproc::channel::{Receiver, Sender, channel};
use multiproc::{Process, Service, StartMethod, service, worker};

use crate::support::cases;

cases! {
    a_service_that_asks_itself
    circles_of_two_and_five
    a_circle_through_the_children_of_two_processes
    a_circle_that_begins_in_a_constructor
    a_chain_is_no_circle
}

/// Much longer than it takes to find a circle: one that is not found is an error of another kind.
const LONG: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Link(Option<LinkClient>);

#[service]
impl Link {
    fn new() -> Self {
        Link::default()
    }

    /// Has the next one answer before it is made itself.
    fn after(next: LinkClient) -> Result<Self, String> {
        next.pass(1).timeout(LONG).run().map_err(told)??;
        Ok(Link::default())
    }

    fn meet(&mut self, next: LinkClient) {
        self.0 = Some(next);
    }

    /// How far a request comes that each passes on to the next.
    fn pass(&self, times: u32) -> Result<u32, String> {
        match &self.0 {
            Some(next) if times > 0 => {
                let passed = next.pass(times - 1).timeout(LONG).run().map_err(told)?;
                passed.map(|times| times + 1)
            }
            _ => Ok(0),
        }
    }
}

fn told(error: multiproc::Error) -> String {
    format!("{:?}: {error}", error.kind())
}

fn start(method: StartMethod, count: usize) -> Vec<Service<LinkClient>> {
    let start = |_| LinkClient::new().start_method(method).spawn().unwrap();
    (0..count).map(start).collect()
}

/// Makes a circle of them: each knows the next.
fn join(links: &[LinkClient]) {
    for (link, next) in links.iter().zip(links.iter().cycle().skip(1)) {
        link.meet(next.clone()).run().unwrap();
    }
}

/// A request that goes round, and the next one does not.
#[track_caller]
fn check_circle(links: &[LinkClient]) {
    let count = u32::try_from(links.len()).unwrap();
    let error = links[0].pass(count).run().unwrap().unwrap_err();
    let names = vec!["Link"; links.len() + 1].join(" → ");
    assert!(error.starts_with("Deadlock: "), "{error}");
    assert!(error.ends_with(&names), "{error}");
    // All of them go on.
    for link in links {
        assert_eq!(link.pass(count - 1).run().unwrap(), Ok(count - 1));
    }
}

fn clients(links: &[Service<LinkClient>]) -> Vec<LinkClient> {
    links.iter().map(Service::client).collect()
}

fn a_service_that_asks_itself(method: StartMethod) {
    let links = start(method, 1);
    join(&clients(&links));
    check_circle(&clients(&links));
}

fn circles_of_two_and_five(method: StartMethod) {
    for count in [2, 5] {
        let links = start(method, count);
        join(&clients(&links));
        check_circle(&clients(&links));
    }
}

/// Has a service of its own until it hears that it is not needed any more.
#[worker]
fn host(client: Sender<LinkClient>, end: Receiver<()>) {
    let link = LinkClient::new().spawn().unwrap();
    client.send(link.client()).unwrap();
    drop(client);
    let _ = end.recv();
}

fn a_circle_through_the_children_of_two_processes(method: StartMethod) {
    let own = start(method, 1);
    let mut links = clients(&own);
    let mut hosts: Vec<(Sender<()>, Process<()>)> = Vec::new();
    for _ in 0..2 {
        let (sender, clients) = channel().unwrap();
        let (end, ends) = channel().unwrap();
        let host = host::call(sender, ends).start_method(method).spawn();
        hosts.push((end, host.unwrap()));
        links.push(clients.recv().unwrap());
    }
    join(&links);
    check_circle(&links);
    for (end, host) in hosts {
        drop(end);
        host.join().unwrap();
    }
}

fn a_circle_that_begins_in_a_constructor(method: StartMethod) {
    let links = start(method, 1);
    // It waits for one that asks itself.
    links[0].meet(links[0].client()).run().unwrap();
    let made = LinkClient::after(links[0].client())
        .start_method(method)
        .spawn();
    let error = made.unwrap_err().to_string();
    assert!(error.contains("Link → Link"), "{error}");
}

fn a_chain_is_no_circle(method: StartMethod) {
    let links = start(method, 3);
    links[0].meet(links[1].client()).run().unwrap();
    links[1].meet(links[2].client()).run().unwrap();
    for _ in 0..200 {
        assert_eq!(links[0].pass(7).run().unwrap(), Ok(2));
    }
}
