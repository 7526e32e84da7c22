//! Clients go wherever handles go.

#![expect(unsafe_code, reason = "processes are copied behind the library's back")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use multiproc::channel::{Queue, Receiver, Sender, channel};
use multiproc::{ErrorKind, Function, Service, StartMethod, service, worker};
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use crate::subject::{Death, LONG, SubjectClient, Told, hold, is_closed, is_over, next, signal};
use crate::support::{Pidfd, cases, descriptors};

cases! {
    a_client_is_an_argument_a_result_an_item_and_a_field
    a_client_is_a_field_of_what_a_function_is_given
    a_client_is_refused_where_handles_are
    a_client_of_one_type_is_none_of_another
    a_copy_of_the_program_has_no_clients
    a_copy_of_a_service_does_not_serve
    many_handles_are_one_connection
    a_service_starts_services
    services_pass_clients_on
    a_client_of_itself_keeps_a_service
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Item {
    name: String,
    client: Option<SubjectClient>,
    more: Vec<(u8, SubjectClient)>,
}

#[worker]
fn give_back(client: SubjectClient) -> SubjectClient {
    client.note(1).run().unwrap();
    client
}

#[worker]
fn borrow(client: &SubjectClient) -> usize {
    client.note(2).run().unwrap()
}

#[worker]
fn use_fields(item: Item) -> Item {
    item.client.as_ref().unwrap().note(3).run().unwrap();
    for (_, client) in &item.more {
        client.note(4).run().unwrap();
    }
    item
}

#[worker]
fn receive(items: Receiver<SubjectClient>, queue: Queue<Item>) {
    items.recv().unwrap().note(5).run().unwrap();
    let item = queue.pop().unwrap();
    item.client.unwrap().note(6).run().unwrap();
}

fn a_client_is_an_argument_a_result_an_item_and_a_field(method: StartMethod) {
    let (tell, told) = channel().unwrap();
    let service = SubjectClient::telling(tell)
        .start_method(method)
        .spawn()
        .unwrap();
    let client = give_back::call(service.client())
        .start_method(method)
        .run()
        .unwrap();
    assert_eq!(borrow::call(&client).start_method(method).run().unwrap(), 2);
    let item = Item {
        name: "item".to_owned(),
        client: Some(client.clone()),
        more: vec![(1, client.clone()), (2, service.client())],
    };
    let item = use_fields::call(item).start_method(method).run().unwrap();
    assert_eq!(item.name, "item");
    assert_eq!(item.more[1].1.notes().run().unwrap(), [1, 2, 3, 4, 4]);
    let (sender, items) = channel().unwrap();
    let queue = Queue::bounded(2).unwrap();
    sender.send(client).unwrap();
    queue.push(item).unwrap();
    let receiving = receive::call(items, queue.clone()).start_method(method);
    receiving.run().unwrap();
    assert_eq!(service.notes().run().unwrap(), [1, 2, 3, 4, 4, 5, 6]);
    // One that is still in the queue.
    queue
        .push(Item {
            name: String::new(),
            client: Some(service.client()),
            more: Vec::new(),
        })
        .unwrap();
    drop((service, sender));
    assert!(matches!(next(&told), Told::Made(_)));
    thread::sleep(Duration::from_millis(20));
    assert!(told.try_recv().is_err());
    let last = queue.pop().unwrap().client.unwrap();
    assert_eq!(last.note(7).run().unwrap(), 8);
    drop(last);
    assert_eq!(next(&told), Told::Dropped(8));
    is_over(&told);
}

fn a_client_is_a_field_of_what_a_function_is_given(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let note: fn((SubjectClient, u64)) -> usize = |(client, note)| client.note(note).run().unwrap();
    let call = Function::from(note)
        .bind((service.client(), 1))
        .start_method(method);
    assert_eq!(call.run().unwrap(), 1);
    let call = multiproc::call(service.client(), |client| client.note(2).run().unwrap());
    assert_eq!(call.start_method(method).run().unwrap(), 2);
}

fn a_client_is_refused_where_handles_are(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let error = serde_json::to_string(&service.client()).unwrap_err();
    let of_sender = serde_json::to_string(&channel::<u8>().unwrap().0).unwrap_err();
    assert_eq!(
        error.to_string().replace("client", "sender"),
        of_sender.to_string(),
    );
    assert!(serde_json::from_str::<SubjectClient>("[1,2]").is_err());
    let error = give_back::call(service.client()).portable().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let error = borrow::call(&service).portable().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert_eq!(service.note(1).run().unwrap(), 1);
}

/// Another object.
struct Other;

#[service]
impl Other {
    fn new() -> Self {
        Other
    }

    fn number(&self) -> u32 {
        9
    }
}

/// Writes a value of one type where another is read.
struct Confused<T>(T);

impl Serialize for Confused<SubjectClient> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

fn a_client_of_one_type_is_none_of_another(method: StartMethod) {
    let other = OtherClient::new().start_method(method).spawn().unwrap();
    assert_eq!(other.number().run().unwrap(), 9);
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let (sender, receiver) = channel::<Vec<u8>>().unwrap();
    drop((sender, receiver));
    // What is written as one is read as another.
    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Other(OtherClient),
        Sender(Sender<u8>),
        Subject(SubjectClient),
    }
    let (sender, receiver) = channel::<Any>().unwrap();
    sender.send(Any::Subject(service.client())).unwrap();
    sender.send(Any::Other(other.client())).unwrap();
    match next_of(&receiver) {
        Any::Subject(client) => assert_eq!(client.note(1).run().unwrap(), 1),
        _ => panic!("it became another"),
    }
    match next_of(&receiver) {
        Any::Other(client) => assert_eq!(client.number().run().unwrap(), 9),
        _ => panic!("it became another"),
    }
    let text = serde_json::to_string(&Confused(service.client()));
    assert!(text.is_err());
}

#[track_caller]
fn next_of<T: serde::de::DeserializeOwned>(from: &Receiver<T>) -> T {
    match from.recv_timeout(LONG) {
        Ok(item) => item,
        Err(error) => panic!("{error}"),
    }
}

/// Runs a test in a copy of this process, and fails if it fails or takes too long.
#[track_caller]
fn in_copy(test: impl FnOnce()) {
    // SAFETY: that the copy calls more than system calls is the point; it ends below.
    let copy = unsafe { libc::fork() };
    if copy == 0 {
        let status = i32::from(catch_unwind(AssertUnwindSafe(test)).is_err());
        // SAFETY: this ends the copy.
        unsafe { libc::_exit(status) };
    }
    let process = Pidfd::of(copy.cast_unsigned());
    let begin = std::time::Instant::now();
    while !process.has_ended() {
        if begin.elapsed() > LONG {
            process.signal(Signal::KILL);
        }
        thread::sleep(Duration::from_millis(2));
    }
    let mut status = 0;
    // SAFETY: it reaps the child made above; `status` is valid meanwhile.
    let reaped = unsafe { libc::waitpid(copy, &raw mut status, 0) };
    assert_eq!((reaped, status), (copy, 0), "the copy did not end well");
}

fn a_copy_of_the_program_has_no_clients(method: StartMethod) {
    let mut service = Some(SubjectClient::new().start_method(method).spawn().unwrap());
    let there = service.as_ref().unwrap();
    let mut events = there.events();
    let unused = SubjectClient::new().start_method(method).spawn().unwrap();
    let mut held = Some(hold(there));
    let mut queued = Some(there.note(1).start());
    let mut more = Some([(); 2].map(|()| there.note(2).start()));
    let id = there.id();
    in_copy(|| {
        let unsupported = ErrorKind::Unsupported;
        for client in [service.as_ref().unwrap().client(), unused.client()] {
            assert_eq!(client.note(1).run().unwrap_err().kind(), unsupported);
            assert_eq!(client.note(1).notify().unwrap_err().kind(), unsupported);
            let awaited = smol::block_on(client.note(1).into_future());
            assert_eq!(awaited.unwrap_err().kind(), unsupported);
        }
        let [one, two] = more.take().unwrap();
        assert!(one.is_finished());
        assert!(multiproc::wait_all(&[&one, &two], Duration::from_millis(1)));
        assert_eq!(one.wait_timeout(LONG).unwrap_err().kind(), unsupported);
        assert_eq!(one.wait().unwrap_err().kind(), unsupported);
        assert_eq!(smol::block_on(two).unwrap_err().kind(), unsupported);
        drop(queued.take());
        drop(held.take());
        let service = service.take().unwrap();
        service.kill();
        assert_eq!(service.shutdown().unwrap_err().kind(), unsupported);
    });
    // Nothing has happened to them.
    held.take().unwrap().release().wait().unwrap();
    assert_eq!(queued.take().unwrap().wait().unwrap(), 2);
    let more = more.take().unwrap().map(|pending| pending.wait().unwrap());
    assert_eq!(more, [3, 4]);
    assert_eq!(unused.note(1).run().unwrap(), 1);
    let service = service.take().unwrap();
    assert_eq!(service.identify().run().unwrap(), id);
    assert!(events.try_next().is_none());
    service.shutdown().unwrap();
}

/// An object that makes copies of its process.
struct Forking;

#[service]
impl Forking {
    fn new() -> Self {
        Forking
    }

    /// Returns twice.
    fn fork(&self) -> (u32, u32) {
        // SAFETY: the copy returns and ends, or so it should.
        let copy = unsafe { libc::fork() };
        (std::process::id(), copy.cast_unsigned())
    }

    fn identify(&self) -> u32 {
        std::process::id()
    }
}

fn a_copy_of_a_service_does_not_serve(method: StartMethod) {
    let service = ForkingClient::new().start_method(method).spawn().unwrap();
    for _ in 0..10 {
        let (id, copy) = service.fork().timeout(LONG).run().unwrap();
        assert_eq!(id, service.id());
        assert_ne!(copy, 0);
        for _ in 0..20 {
            assert_eq!(service.identify().timeout(LONG).run().unwrap(), id);
        }
    }
    service.shutdown().unwrap();
}

#[worker]
fn receive_many(clients: Vec<SubjectClient>, items: Receiver<SubjectClient>) -> (usize, usize) {
    let before = descriptors();
    let mut all = clients;
    all.extend(items.iter());
    for client in &all {
        client.note(1).notify().unwrap();
    }
    all[0].note(1).run().unwrap();
    (all.len(), descriptors().saturating_sub(before))
}

fn many_handles_are_one_connection(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    service.note(0).run().unwrap();
    let before = descriptors();
    let clones: Vec<_> = (0..2000).map(|_| service.client()).collect();
    for client in &clones {
        client.note(1).notify().unwrap();
    }
    assert_eq!(service.notes().run().unwrap().len(), 2001);
    // The fork server may have got its next process ready meanwhile.
    assert!(descriptors() < before + 20, "{before}");
    let (sender, items) = channel().unwrap();
    let clients = clones[..100].to_vec();
    let process = receive_many::call(clients, items)
        .start_method(method)
        .spawn()
        .unwrap();
    for client in &clones[..200] {
        sender.send(client.clone()).unwrap();
    }
    drop(sender);
    let (count, opened) = process.join().unwrap();
    assert_eq!(count, 300);
    assert!(opened < 20, "{opened}");
    assert_eq!(service.notes().run().unwrap().len(), 2302);
    drop(clones);
    service.shutdown().unwrap();
}

/// An object that has services.
#[derive(Default)]
struct Factory(Vec<Service<SubjectClient>>);

#[service]
impl Factory {
    fn new() -> Self {
        Factory::default()
    }

    fn make(&mut self, told: Sender<Told>, by_spawn: bool) -> SubjectClient {
        let method = if by_spawn {
            StartMethod::Spawn
        } else {
            StartMethod::ForkServer
        };
        let service = SubjectClient::telling(told)
            .start_method(method)
            .spawn()
            .unwrap();
        let client = service.client();
        self.0.push(service);
        client
    }

    /// Asks all that it has made.
    fn count(&self) -> usize {
        self.0
            .iter()
            .map(|made| made.notes().run().unwrap().len())
            .sum()
    }

    fn abort(&self) {
        std::process::abort();
    }
}

fn a_service_starts_services(method: StartMethod) {
    let by_spawn = method == StartMethod::Spawn;
    for dies in [false, true] {
        let factory = FactoryClient::new().start_method(method).spawn().unwrap();
        let (tell, told) = channel().unwrap();
        let made = [(); 3].map(|()| factory.make(tell.clone(), by_spawn).run().unwrap());
        drop(tell);
        for client in &made {
            client.note(1).run().unwrap();
        }
        assert_eq!(factory.count().run().unwrap(), 3);
        let ids = [(); 3].map(|()| match next(&told) {
            Told::Made(id) => Pidfd::of(id),
            Told::Dropped(_) => panic!("it was dropped"),
        });
        if dies {
            assert!(factory.abort().run().is_err());
        } else {
            drop(factory);
        }
        // Its services end with it, though they have clients.
        ids.iter().for_each(Pidfd::wait);
        for client in made {
            is_closed(client.note(2).run());
        }
    }
}

/// An object that keeps clients for others.
#[derive(Default)]
struct Registry(Vec<(String, SubjectClient)>);

#[service]
impl Registry {
    fn new() -> Self {
        Registry::default()
    }

    fn put(&mut self, name: &str, client: SubjectClient) {
        self.0.push((name.to_owned(), client));
    }

    fn get(&self, name: &str) -> Option<SubjectClient> {
        let found = self.0.iter().find(|(it, _)| it == name)?;
        Some(found.1.clone())
    }

    fn forget(&mut self) {
        self.0.clear();
    }
}

#[worker]
fn look_up(registry: RegistryClient, name: &str) -> Option<usize> {
    let client = registry.get(name).run().unwrap()?;
    Some(client.note(1).run().unwrap())
}

fn services_pass_clients_on(method: StartMethod) {
    let registry = RegistryClient::new().start_method(method).spawn().unwrap();
    let (tell, told) = channel().unwrap();
    let service = SubjectClient::telling(tell)
        .start_method(method)
        .spawn()
        .unwrap();
    registry.put("subject", service.client()).run().unwrap();
    let look_up = |name| {
        let call = look_up::call(registry.client(), name);
        call.start_method(method).run().unwrap()
    };
    assert_eq!(look_up("subject"), Some(1));
    assert_eq!(look_up("another"), None);
    assert_eq!(
        registry
            .get("subject")
            .run()
            .unwrap()
            .unwrap()
            .note(2)
            .run()
            .unwrap(),
        2
    );
    drop(service);
    // The registry's client keeps it.
    assert_eq!(look_up("subject"), Some(3));
    assert!(matches!(next(&told), Told::Made(_)));
    assert!(told.try_recv().is_err());
    registry.forget().run().unwrap();
    assert_eq!(next(&told), Told::Dropped(3));
    is_over(&told);
}

fn a_client_of_itself_keeps_a_service(method: StartMethod) {
    // A circle of clients is one of owners. It ends with the parent, or when it is told to.
    let registry = RegistryOfItselfClient::new()
        .start_method(method)
        .spawn()
        .unwrap();
    registry.put(registry.client()).run().unwrap();
    let mut events = registry.events();
    let client = registry.client();
    drop(registry);
    assert!(events.next_timeout(Duration::from_millis(50)).is_none());
    assert!(client.has_one().run().unwrap());
    client.forget().run().unwrap();
    drop(client);
    let last = events.next_timeout(LONG);
    assert!(
        matches!(last, Some(multiproc::ServiceEvent::Ended)),
        "{last:?}"
    );
    let registry = RegistryOfItselfClient::new()
        .start_method(method)
        .spawn()
        .unwrap();
    registry.put(registry.client()).run().unwrap();
    signal(registry.id(), Signal::KILL);
    Death::Kill.check(&registry.shutdown().unwrap_err());
}

#[derive(Default)]
struct RegistryOfItself(Option<RegistryOfItselfClient>);

#[service]
impl RegistryOfItself {
    fn new() -> Self {
        RegistryOfItself::default()
    }

    fn put(&mut self, client: RegistryOfItselfClient) {
        self.0 = Some(client);
    }

    fn has_one(&self) -> bool {
        self.0.is_some()
    }

    fn forget(&mut self) {
        self.0 = None;
    }
}
