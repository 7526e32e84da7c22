//! What is asked and answered: large values, values with handles, and what cannot be sent.

use std::fs::File;
use std::io::{Read, Write};

use multiproc::channel::{Receiver, Sender, channel};
use multiproc::shm::Shared;
use multiproc::{ErrorKind, Fd, Service, StartMethod, service};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::subject::{LONG, SubjectClient, is_over, next};
use crate::support::{cases, descriptors};

cases! {
    large_arguments_and_results
    large_ones_in_the_way_of_each_other
    arguments_and_results_with_handles
    what_cannot_be_sent_fails_alone
    a_constructor_that_is_given_what_cannot_be_sent
}

fn large_arguments_and_results(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    let mut bytes = vec![0; 64 << 20];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = (place / 4096 % 251) as u8;
    }
    assert_eq!(service.length(&bytes).run().unwrap(), bytes.len());
    assert!(service.echo(bytes.clone()).run().unwrap() == bytes);
    assert!(service.fill(64 << 20, 3).run().unwrap() == vec![3; 64 << 20]);
    assert!(smol::block_on(service.echo(bytes.clone()).into_future()).unwrap() == bytes);
    // All lengths around the limits of what a message holds.
    let mut lengths: Vec<_> = (0..25).map(|power| 1_usize << power).collect();
    lengths.extend([0, 65_000, 131_000, 212_000, 220_000, 1_000_000]);
    for length in lengths {
        for length in [length.saturating_sub(30), length, length + 1] {
            assert_eq!(service.length(&bytes[..length]).run().unwrap(), length);
            assert_eq!(service.fill(length, 1).run().unwrap().len(), length);
        }
    }
    service.length(&bytes).notify().unwrap();
    service.shutdown().unwrap();
}

fn large_ones_in_the_way_of_each_other(method: StartMethod) {
    let service = SubjectClient::new().start_method(method).spawn().unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4_u8 {
            let client = service.client();
            scope.spawn(move || {
                for round in 0..4 {
                    let large = vec![thread; (1 << 20) * (1 + round)];
                    let pendings: Vec<_> = (0..3)
                        .map(|_| (client.echo(large.clone()).start(), client.note(1).start()))
                        .collect();
                    for (echo, note) in pendings {
                        assert!(echo.wait().unwrap() == large);
                        note.wait().unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(service.notes().run().unwrap().len(), 48);
}

/// A value that cannot be written, or read, or is as any other.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fragile {
    Sound,
    Unwritable,
    Unreadable,
}

impl Serialize for Fragile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Fragile::Sound => 0_u8.serialize(serializer),
            Fragile::Unreadable => 1_u8.serialize(serializer),
            Fragile::Unwritable => Err(serde::ser::Error::custom("it is not to be written")),
        }
    }
}

impl<'de> Deserialize<'de> for Fragile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u8::deserialize(deserializer)? {
            0 => Ok(Fragile::Sound),
            _ => Err(serde::de::Error::custom("it is not to be read")),
        }
    }
}

/// An object that is handed things.
#[derive(Default)]
struct Shop {
    told: Vec<Sender<u64>>,
    count: usize,
}

#[service]
impl Shop {
    fn new() -> Self {
        Shop::default()
    }

    fn with(_fragile: Fragile) -> Self {
        Shop::default()
    }

    fn subscribe(&mut self, told: Sender<u64>) {
        self.told.push(told);
    }

    fn publish(&mut self, number: u64) {
        for told in &self.told {
            told.send(number).unwrap();
        }
    }

    fn unsubscribe(&mut self) {
        self.told.clear();
    }

    fn sum(&self, numbers: Shared<[u64]>, mut file: Fd<File>) -> u64 {
        let sum = numbers.iter().sum();
        write!(file, "{sum}").unwrap();
        sum
    }

    fn open(&self) -> (Fd<File>, Receiver<u64>, Shared<[u64]>) {
        let (sender, receiver) = channel().unwrap();
        sender.send(8).unwrap();
        let file = Fd::new(File::open("/dev/zero").unwrap());
        (
            file,
            receiver,
            Shared::from_fn(5, |place| place as u64).unwrap(),
        )
    }

    fn take(&mut self, _fragile: Fragile, _large: Vec<u8>) {
        self.count += 1;
    }

    fn give(&mut self, how: u8) -> (Fragile, Vec<u8>) {
        self.count += 1;
        let fragile = [Fragile::Sound, Fragile::Unwritable, Fragile::Unreadable][how as usize];
        (fragile, vec![1; how as usize * 200_000])
    }

    fn count(&self) -> usize {
        self.count
    }
}

fn shop(method: StartMethod) -> Service<ShopClient> {
    ShopClient::new().start_method(method).spawn().unwrap()
}

fn arguments_and_results_with_handles(method: StartMethod) {
    let shop = shop(method);
    let receivers = [(); 3].map(|()| {
        let (tell, told) = channel().unwrap();
        shop.subscribe(tell).run().unwrap();
        told
    });
    shop.publish(5).notify().unwrap();
    for told in &receivers {
        assert_eq!(next(told), 5);
    }
    shop.unsubscribe().notify().unwrap();
    receivers.iter().for_each(is_over);
    let before = descriptors();
    for _ in 0..20 {
        let numbers = Shared::from_fn(1000, |place| place as u64).unwrap();
        let (mut reader, writer) = std::io::pipe().unwrap();
        let writer = File::from(std::os::fd::OwnedFd::from(writer));
        assert_eq!(shop.sum(numbers, Fd::new(writer)).run().unwrap(), 499_500);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "499500");
        let (mut file, receiver, numbers) = shop.open().run().unwrap();
        let mut bytes = [1; 4];
        file.read_exact(&mut bytes).unwrap();
        assert_eq!(bytes, [0; 4]);
        assert_eq!(receiver.recv().unwrap(), 8);
        assert_eq!(*numbers, [0, 1, 2, 3, 4]);
        // Results that are not wanted are closed.
        drop(shop.open().start());
    }
    shop.count().run().unwrap();
    assert!(descriptors() <= before + 4, "{before}, {}", descriptors());
}

fn what_cannot_be_sent_fails_alone(method: StartMethod) {
    let shop = shop(method);
    let id = shop.id();
    for large in [0, 10 << 20] {
        let (sound, large) = (Fragile::Sound, vec![0; large]);
        let count = shop.count().run().unwrap();
        let before = shop.take(sound, large.clone()).start();
        let unwritten = shop.take(Fragile::Unwritable, large.clone());
        let error = unwritten.run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Encode);
        assert!(
            error
                .to_string()
                .contains("cannot encode an argument of request `take` of service `Shop`"),
            "{error}"
        );
        let unwritten = shop.take(Fragile::Unwritable, large.clone());
        assert_eq!(unwritten.notify().unwrap_err().kind(), ErrorKind::Encode);
        let unwritten = shop.take(Fragile::Unwritable, large.clone());
        let error = smol::block_on(unwritten.into_future()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Encode);
        let unread = shop.take(Fragile::Unreadable, large.clone());
        let error = unread.run().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        assert!(
            error.to_string().contains("it is not to be read"),
            "{error}"
        );
        shop.take(Fragile::Unreadable, large.clone())
            .notify()
            .unwrap();
        before.wait().unwrap();
        shop.take(sound, large).timeout(LONG).run().unwrap();
        assert_eq!(shop.count().run().unwrap(), count + 2);
        assert_eq!(shop.id(), id);
    }
    let count = shop.count().run().unwrap();
    let pendings = [0, 1, 2, 0].map(|how| shop.give(how).start());
    let [sound, unwritten, unread, last] = pendings.map(|pending| pending.wait());
    assert_eq!(sound.unwrap(), (Fragile::Sound, Vec::new()));
    let error = unwritten.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode, "{error}");
    assert!(
        error.to_string().contains("it is not to be written"),
        "{error}"
    );
    let error = unread.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    assert_eq!(last.unwrap().0, Fragile::Sound);
    shop.give(1).notify().unwrap();
    assert_eq!(shop.count().run().unwrap(), count + 5);
    assert_eq!(shop.id(), id);
    shop.shutdown().unwrap();
}

fn a_constructor_that_is_given_what_cannot_be_sent(method: StartMethod) {
    let launch = |fragile| ShopClient::with(fragile).start_method(method).spawn();
    launch(Fragile::Sound).unwrap().shutdown().unwrap();
    let error = launch(Fragile::Unwritable).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Encode, "{error}");
    let error = launch(Fragile::Unreadable).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
    assert!(
        error.to_string().contains("it is not to be read"),
        "{error}"
    );
}
