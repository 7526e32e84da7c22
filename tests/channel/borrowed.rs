//! Items that are sent from a borrow.

use std::path::{Path, PathBuf};

use multiproc::channel::{Duplex, Queue, Receiver, RecvError, channel, duplex};
use multiproc::worker;
use serde::{Serialize, Serializer, ser::Error};

use crate::support::in_time;

/// Short ones, those that lie beside their message, and those that are longer than what a socket holds.
const LENGTHS: [usize; 6] = [0, 1, 100, 5000, 70_000, 3 << 20];

#[worker]
fn send_back(items: Duplex<Vec<u8>, Vec<u8>>) {
    for item in &items {
        items.send_ref(&item[..]).unwrap();
    }
}

#[worker]
fn push_back(inputs: Queue<Vec<u8>>, outputs: Queue<Vec<u8>>) {
    for item in &inputs {
        outputs.push_ref(&item[..]).unwrap();
    }
}

fn numbers() -> Vec<u8> {
    (0..=250).cycle().take(3 << 20).collect()
}

#[test]
fn slices_go_to_a_process_and_come_back() {
    in_time(|| {
        let numbers = numbers();
        let (ours, theirs) = duplex().unwrap();
        let process = send_back::spawn(theirs).unwrap();
        let (inputs, outputs) = (Queue::bounded(2).unwrap(), Queue::bounded(2).unwrap());
        let other = push_back::spawn(inputs.clone(), outputs.clone()).unwrap();
        for length in LENGTHS {
            ours.send_ref(&numbers[..length]).unwrap();
            assert_eq!(ours.recv().unwrap(), numbers[..length]);
            inputs.push_ref(&numbers[..length]).unwrap();
            assert_eq!(outputs.pop().unwrap(), numbers[..length]);
        }
        drop(ours);
        inputs.close();
        process.join().unwrap();
        other.join().unwrap();
    });
}

#[test]
fn what_is_borrowed_arrives_in_its_owned_form() {
    in_time(|| {
        let (texts, received) = channel::<String>().unwrap();
        let long = "a long text ".repeat(10_000);
        texts.send_ref("short").unwrap();
        texts.send_ref(&"owned".to_owned()).unwrap();
        assert_eq!(received.recv().unwrap(), "short");
        assert_eq!(received.recv().unwrap(), "owned");
        std::thread::scope(|scope| {
            scope.spawn(|| texts.send_ref(long.as_str()).unwrap());
            assert_eq!(received.recv().unwrap(), long);
        });
        let (paths, received) = channel::<PathBuf>().unwrap();
        paths.send_ref(Path::new("/etc")).unwrap();
        assert_eq!(received.recv().unwrap(), Path::new("/etc"));
        let queue = Queue::<(u32, Option<String>)>::bounded(2).unwrap();
        let item = (7, Some("seven".to_owned()));
        queue.push_ref(&item).unwrap();
        assert_eq!(queue.pop().unwrap(), item);
    });
}

#[derive(Debug, Clone)]
struct Unwritable;

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("no words for it"))
    }
}

#[test]
fn errors_say_what_happened_and_harm_nothing() {
    in_time(|| {
        let (sender, receiver) = channel::<Unwritable>().unwrap();
        let error = sender.send_ref(&Unwritable).unwrap_err();
        assert!(error.to_string().contains("no words for it"), "{error}");
        assert!(!error.is_disconnected() && error.item_error().is_some());
        drop(receiver);
        let (sender, receiver) = channel::<String>().unwrap();
        sender.send_ref("one").unwrap();
        assert_eq!(receiver.recv().as_deref(), Ok("one"));
        drop(receiver);
        assert!(sender.send_ref("two").unwrap_err().is_disconnected());

        let queue = Queue::<Unwritable>::bounded(1).unwrap();
        let error = queue.push_ref(&Unwritable).unwrap_err();
        assert!(error.to_string().contains("no words for it"), "{error}");
        assert!(queue.is_empty());
        let queue = Queue::<String>::bounded(1).unwrap();
        queue.push_ref("one").unwrap();
        queue.close();
        assert!(queue.push_ref("two").unwrap_err().is_disconnected());
        assert_eq!(queue.pop().as_deref(), Ok("one"));
    });
}

#[test]
fn a_receiver_in_a_borrowed_item_moves() {
    in_time(|| {
        /// Clones what there is one of.
        #[derive(Clone)]
        struct Kept(std::rc::Rc<Receiver<u8>>);

        impl Serialize for Kept {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }

        let (sender, _receiver) = channel::<Kept>().unwrap();
        let (_inner_sender, inner) = channel::<u8>().unwrap();
        let kept = Kept(inner.into());
        sender.send_ref(&kept).unwrap();
        assert_eq!(kept.0.recv(), Err(RecvError::Sent));
        assert!(!sender.send_ref(&kept).unwrap_err().is_disconnected());

        let (ours, theirs) = duplex::<String, String>().unwrap();
        let (ends, _receiver) = channel().unwrap();
        // An end that is elsewhere sends nothing from here.
        let ours = std::rc::Rc::new(ours);
        ends.send(KeptEnd(ours.clone())).unwrap();
        assert!(!ours.send_ref("lost").unwrap_err().is_disconnected());
        drop(theirs);
    });
}

struct KeptEnd(std::rc::Rc<Duplex<String, String>>);

impl Serialize for KeptEnd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
