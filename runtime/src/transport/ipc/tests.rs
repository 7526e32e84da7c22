//! Messages between two ends in one process. Every test has a deadline: none may hang.

use std::borrow::Cow;
use std::env;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ipc_channel::ipc::IpcSender;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::{FdFlags, fcntl_getfd};
use rustix::net::{SendFlags, send};
use rustix::process::{PidfdFlags, Resource, Rlimit, getrlimit, pidfd_open, setrlimit};

use super::frame::{AnnexFrame, Frame, FrameBytes, INLINE_MAXIMUM, Plan, Rest};
use super::{Inbox, Receiver, Sender, adopt, annex, open_polled, pair, warm_up};
use crate::codec::{Message, Output, spare};
use crate::random::Random;
use crate::sys::descriptors;
use crate::transport::{EncodedMessage, Limit, Received};

const DEADLINE: Duration = Duration::from_secs(60);

/// Runs the body, but no longer than the deadline.
fn within<R: Send + 'static>(body: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, result) = mpsc::channel();
    let thread = thread::spawn(move || {
        let _ = done.send(body());
    });
    match result.recv_timeout(DEADLINE) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().unwrap_err())
        }
    }
}

/// Runs the body of a test in a process of its own, for bodies that are hard on the process.
fn alone(test: &str, body: impl FnOnce() + Send + 'static) {
    const ALONE: &str = "MULTIPROC_TEST_ALONE";
    if env::var_os(ALONE).is_some() {
        return within(body);
    }
    let mut output = File::from(memfd_create("output", MemfdFlags::CLOEXEC).unwrap());
    let copy = crate::probe::allow_copy();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, "1")
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output.try_clone().unwrap())
        .spawn()
        .unwrap();
    drop(copy);
    let status = child.wait().unwrap();
    let mut text = String::new();
    output.rewind().unwrap();
    output.read_to_string(&mut text).unwrap();
    assert!(
        status.success(),
        "{status} in a process of its own:\n{text}"
    );
    assert!(text.contains("1 passed"), "no such test: {test}\n{text}");
}

/// What a message is made of: the length of its head, those of its splices, how many descriptors.
#[derive(Debug, Clone, Copy)]
struct Shape {
    head: usize,
    splices: &'static [usize],
    descriptors: usize,
}

fn head(head: usize) -> Shape {
    Shape {
        head,
        splices: &[],
        descriptors: 0,
    }
}

fn spliced(splices: &'static [usize]) -> Shape {
    Shape {
        splices,
        ..head(10)
    }
}

impl Shape {
    /// A message of this shape; its bytes and descriptors tell where they belong.
    fn output(self) -> Output<'static> {
        let mut out = Output::default();
        out.head = bytes(self.head, 0);
        out.splices = (1..)
            .zip(self.splices)
            .map(|(place, length)| Cow::Owned(bytes(*length, place)))
            .collect();
        out.attachments = (0..self.descriptors).map(descriptor).collect();
        out
    }

    #[track_caller]
    fn check(self, message: &Message) {
        assert_eq!(message.head.len(), self.head);
        assert!(message.head == bytes(self.head, 0));
        assert_eq!(message.splices.len(), self.splices.len());
        for ((place, length), splice) in (1..).zip(self.splices).zip(&message.splices) {
            assert_eq!(splice.len(), *length);
            assert!(*splice == bytes(*length, place));
        }
        assert_eq!(message.attachments.len(), self.descriptors);
        for (place, received) in message.attachments.iter().enumerate() {
            assert_eq!(rustix::fs::fstat(received).unwrap().st_size, place as i64);
            assert!(fcntl_getfd(received).unwrap().contains(FdFlags::CLOEXEC));
        }
    }
}

/// Bytes that differ from message part to part and from page to page.
fn bytes(length: usize, place: usize) -> Vec<u8> {
    let mut bytes = vec![place.to_le_bytes()[0]; length];
    for (index, page) in bytes.chunks_mut(4096).enumerate() {
        page[0] = index.to_le_bytes()[0];
        page[page.len() / 2] = index.to_le_bytes()[1];
    }
    bytes
}

/// A file whose length is its place.
fn descriptor(place: usize) -> Arc<OwnedFd> {
    let file = memfd_create("test", MemfdFlags::CLOEXEC).unwrap();
    rustix::fs::ftruncate(&file, place as u64).unwrap();
    Arc::new(file)
}

fn connection() -> (Sender, Receiver) {
    let (ours, theirs) = pair().unwrap();
    (
        Sender::new(ours).unwrap(),
        Receiver::new(theirs.try_clone().unwrap()),
    )
}

fn connection_to_inbox() -> (Sender, Inbox) {
    let (ours, theirs) = pair().unwrap();
    (Sender::new(ours).unwrap(), Inbox::new(theirs))
}

/// Waits for what an inbox has to say next.
fn wait(inbox: &mut Inbox) -> io::Result<Received> {
    loop {
        match inbox.receive()? {
            Received::Nothing => {
                let mut source = [PollFd::from_borrowed_fd(inbox.source(), PollFlags::IN)];
                poll(&mut source, None).unwrap();
            }
            received => return Ok(received),
        }
    }
}

#[track_caller]
fn message(received: io::Result<Received>) -> Message {
    match received {
        Ok(Received::Message(message)) => message,
        other => panic!("{other:?} instead of a message"),
    }
}

#[track_caller]
fn is_closed(received: io::Result<Received>) {
    assert!(matches!(received, Ok(Received::Closed)), "{received:?}");
}

/// Messages of these shapes arrive in order and whole, whichever way they are received.
fn arrive(shapes: Vec<Shape>) {
    within(move || {
        let (sender, receiver) = connection();
        let (other, mut inbox) = connection_to_inbox();
        thread::scope(|scope| {
            scope.spawn(|| {
                for shape in &shapes {
                    sender.send(shape.output()).unwrap();
                    other.send(shape.output()).unwrap();
                }
            });
            for shape in &shapes {
                shape.check(&message(receiver.receive()));
                shape.check(&message(wait(&mut inbox)));
            }
        });
        drop((sender, other));
        is_closed(receiver.receive());
        is_closed(wait(&mut inbox));
        is_closed(wait(&mut inbox));
    });
}

#[test]
fn a_foreign_descriptor_can_be_brought_in() {
    within(|| {
        let (ours, theirs) = pair().unwrap();
        let sender: IpcSender<u64> = adopt::sender(ours.as_fd()).unwrap();
        let receiver = adopt::receiver::<u64>(theirs.as_fd()).unwrap();
        sender.send(7).unwrap();
        assert_eq!(receiver.recv().unwrap(), 7);
        sender.send(8).unwrap();
        drop(receiver);
        let receiver = adopt::receiver::<u64>(theirs.as_fd()).unwrap();
        drop(theirs);
        assert_eq!(receiver.recv().unwrap(), 8);
        drop(receiver);
        assert!(sender.send(9).is_err());
    });
}

fn stream(socket: OwnedFd) -> UnixStream {
    socket.into()
}

#[test]
fn short_messages_arrive() {
    arrive(vec![head(0), head(1), head(100), head(4096)]);
    arrive((0..1000).map(head).collect());
}

#[test]
fn messages_around_the_limit_of_a_frame_arrive() {
    arrive(vec![
        head(INLINE_MAXIMUM - 1),
        head(INLINE_MAXIMUM),
        head(INLINE_MAXIMUM + 1),
        head(212_447),
        head(212_448),
        head(212_449),
    ]);
}

#[test]
fn long_messages_arrive() {
    arrive(vec![
        head(256 << 10),
        spliced(&[256 << 10]),
        spliced(&[3 << 20]),
        head(3 << 20),
        head(1),
        Shape {
            splices: &[1 << 20, 0, 1, 65536, 0],
            ..head(1 << 20)
        },
    ]);
}

#[test]
fn many_splices_arrive() {
    arrive(vec![spliced(&[1; 10_000]), spliced(&[4096; 500])]);
}

#[test]
fn many_descriptors_arrive() {
    arrive(
        [1, 2, 63, 64, 65, 239, 240, 241, 300]
            .map(|descriptors| Shape {
                descriptors,
                ..head(10)
            })
            .to_vec(),
    );
    arrive(vec![
        Shape {
            head: 200_000,
            splices: &[70_000; 3],
            descriptors: 250,
        },
        head(1),
    ]);
}

#[test]
fn an_inbox_does_not_wait() {
    within(|| {
        let (connection, end) = pair().unwrap();
        let mut inbox = Inbox::new(end);
        assert!(matches!(inbox.receive(), Ok(Received::Nothing)));
        let (ours, theirs) = annex::pair().unwrap();
        let plan = Plan {
            nonce: 1,
            attachments: 0,
            head: 0,
            splices: 1,
        };
        announce(&connection, theirs, plan);
        let mut ours = stream(ours);
        let mut piece = |bytes: &[u8]| {
            ours.write_all(bytes).unwrap();
            inbox.receive().unwrap()
        };
        let wire = [&1_u64.to_ne_bytes()[..], &3_u64.to_ne_bytes(), b"abc"].concat();
        let (last, pieces) = wire.split_last().unwrap();
        for byte in pieces {
            assert!(matches!(piece(&[*byte]), Received::Nothing));
        }
        let Received::Message(message) = piece(&[*last]) else {
            panic!("the message is complete");
        };
        assert_eq!(message.splices, [b"abc"]);
        assert!(!inbox.is_assembling());
    });
}

/// Sends a frame that promises more in an annex of the caller's.
fn announce(connection: &OwnedFd, annex: OwnedFd, plan: Plan) {
    let frame = Frame {
        rest: Rest::Annex(AnnexFrame {
            socket: adopt::receiver(annex.as_fd()).unwrap(),
            plan,
        }),
        head: FrameBytes(Arc::new(Vec::new())),
    };
    let sender = adopt::sender::<Frame>(connection.as_fd()).unwrap();
    sender.send(frame).unwrap();
}

#[test]
fn a_message_that_breaks_off_is_an_error_and_the_next_one_is_not() {
    let plan = Plan {
        nonce: 1,
        attachments: 1,
        head: 4,
        splices: 1,
    };
    let wire: Vec<u8> = [
        &1_u64.to_ne_bytes()[..],
        &[0],
        &3_u64.to_ne_bytes(),
        b"head",
        b"abc",
    ]
    .concat();
    for length in 0..wire.len() {
        let wire = wire[..length].to_vec();
        within(move || {
            let (ends, others) = (pair().unwrap(), pair().unwrap());
            let receiver = Receiver::new(ends.1.try_clone().unwrap());
            let mut inbox = Inbox::new(others.1);
            for connection in [ends.0, others.0] {
                let (ours, theirs) = annex::pair().unwrap();
                announce(&connection, theirs, plan);
                stream(ours).write_all(&wire).unwrap();
                let sender = Sender::new(connection).unwrap();
                sender.send(head(5).output()).unwrap();
            }
            // Without its descriptor, the byte that should carry it ends the message early.
            assert!(receiver.receive().is_err());
            assert!(wait(&mut inbox).is_err());
            head(5).check(&message(receiver.receive()));
            head(5).check(&message(wait(&mut inbox)));
            is_closed(receiver.receive());
            is_closed(wait(&mut inbox));
        });
    }
}

#[test]
fn an_annex_that_is_not_the_messages_own_is_an_error() {
    within(|| {
        let (connection, end) = pair().unwrap();
        let receiver = Receiver::new(end.try_clone().unwrap());
        let (ours, theirs) = annex::pair().unwrap();
        let plan = Plan {
            nonce: 1,
            attachments: 0,
            head: 0,
            splices: 0,
        };
        announce(&connection, theirs, plan);
        stream(ours).write_all(&[7; 100]).unwrap();
        assert!(receiver.receive().is_err());
    });
}

#[test]
fn what_is_no_message_is_an_error() {
    for garbage in [
        &b""[..],
        b"x",
        &[0xff; 8],
        &[0xff; 17],
        &[0; 64],
        &[7; 1000],
    ] {
        let garbage = garbage.to_vec();
        within(move || {
            let (ours, theirs) = pair().unwrap();
            let receiver = Receiver::new(theirs.try_clone().unwrap());
            drop(theirs);
            send(&ours, &garbage, SendFlags::empty()).unwrap();
            drop(ours);
            match receiver.receive() {
                Err(_) | Ok(Received::Closed) => {}
                other => panic!("{other:?} out of {garbage:?}"),
            }
        });
    }
}

/// The shapes of each way a message can take, the long ones too long for any buffer.
const WAYS: [Shape; 4] = [
    Shape {
        head: 10,
        splices: &[],
        descriptors: 0,
    },
    Shape {
        head: 10,
        splices: &[],
        descriptors: 3,
    },
    Shape {
        head: 64 << 20,
        splices: &[],
        descriptors: 0,
    },
    Shape {
        head: 10,
        splices: &[64 << 20],
        descriptors: 300,
    },
];

#[track_caller]
fn is_gone(sent: io::Result<()>) {
    let error = sent.expect_err("nobody is there to receive it");
    assert!(
        matches!(
            error.kind(),
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset
        ),
        "{error}"
    );
}

#[test]
fn a_receiver_that_is_gone_is_an_error() {
    for shape in WAYS {
        within(move || {
            let (sender, receiver) = connection();
            sender.send(head(1).output()).unwrap();
            drop(receiver);
            is_gone(sender.send(shape.output()));
            is_gone(sender.send(shape.output()));
        });
    }
}

#[test]
fn a_receiver_that_goes_before_it_takes_the_message_is_an_error() {
    for shape in &WAYS[2..] {
        within(move || {
            let (sender, inbox) = connection_to_inbox();
            let sending = thread::spawn(move || sender.send(shape.output()));
            poll(&mut [PollFd::new(&inbox.connection(), PollFlags::IN)], None).unwrap();
            drop(inbox);
            is_gone(sending.join().unwrap());
        });
    }
}

#[test]
fn a_receiver_that_goes_in_the_middle_is_an_error() {
    for shape in &WAYS[2..] {
        // A sender that is quick enough is not caught in the middle.
        within(move || while !goes_in_the_middle(*shape) {});
    }
}

/// False if the message was there as a whole when it was looked for.
fn goes_in_the_middle(shape: Shape) -> bool {
    let (sender, mut inbox) = connection_to_inbox();
    let sending = thread::spawn(move || sender.send(shape.output()));
    while !inbox.is_assembling() {
        poll(&mut [PollFd::new(&inbox.connection(), PollFlags::IN)], None).unwrap();
        match inbox.receive().unwrap() {
            Received::Nothing => {}
            Received::Message(message) => {
                shape.check(&message);
                sending.join().unwrap().unwrap();
                return false;
            }
            Received::Closed => panic!("the sender is there"),
        }
    }
    drop(inbox);
    is_gone(sending.join().unwrap());
    true
}

#[test]
fn what_was_sent_arrives_before_the_end() {
    within(|| {
        let (sender, receiver) = connection();
        (0..10).for_each(|length| sender.send(head(length).output()).unwrap());
        drop(sender);
        (0..10).for_each(|length| head(length).check(&message(receiver.receive())));
        is_closed(receiver.receive());
    });
}

#[test]
fn several_threads_send_at_once() {
    within(|| {
        let (sender, mut inbox) = connection_to_inbox();
        let shapes = [head(10), spliced(&[300_000]), head(200_000)];
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let sender = sender.clone();
                thread::spawn(move || {
                    for _ in 0..20 {
                        for shape in shapes {
                            sender.send(shape.output()).unwrap();
                        }
                    }
                })
            })
            .collect();
        drop(sender);
        let mut received = [0; 3];
        for _ in 0..4 * 20 * 3 {
            let message = message(wait(&mut inbox));
            let place = match (message.head.len(), message.splices.len()) {
                (10, 0) => 0,
                (10, 1) => 1,
                _ => 2,
            };
            shapes[place].check(&message);
            received[place] += 1;
        }
        assert_eq!(received, [80; 3]);
        is_closed(wait(&mut inbox));
        threads.into_iter().for_each(|it| it.join().unwrap());
    });
}

#[test]
fn the_socket_of_a_connection_is_close_on_exec() {
    let (ours, theirs) = pair().unwrap();
    for end in [ours.as_fd(), theirs.as_fd()] {
        assert!(fcntl_getfd(end).unwrap().contains(FdFlags::CLOEXEC));
    }
    let inbox = Inbox::new(ours);
    for end in [inbox.source(), inbox.connection()] {
        assert!(fcntl_getfd(end).unwrap().contains(FdFlags::CLOEXEC));
    }
}

/// Opens files until no more can be opened.
fn use_up_descriptors() -> Vec<File> {
    let limit = Rlimit {
        current: Some(200),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    std::iter::from_fn(|| File::open("/dev/null").ok()).collect()
}

#[test]
fn without_descriptors_receiving_is_an_error_and_later_works_again() {
    let name =
        "transport::ipc::tests::without_descriptors_receiving_is_an_error_and_later_works_again";
    alone(name, || {
        warm_up().unwrap();
        let (sender, receiver) = connection();
        let (other, mut inbox) = connection_to_inbox();
        let many = Shape {
            descriptors: 50,
            ..head(10)
        };
        // They fit into the sockets' buffers, so they can be sent before they are received.
        let shapes = [head(10), spliced(&[1000]), many, head(20)];
        for shape in shapes {
            sender.send(shape.output()).unwrap();
            other.send(shape.output()).unwrap();
        }
        let files = use_up_descriptors();
        head(10).check(&message(receiver.receive()));
        head(10).check(&message(wait(&mut inbox)));
        for _ in 0..2 {
            assert!(receiver.receive().is_err());
            assert!(wait(&mut inbox).is_err());
        }
        head(20).check(&message(receiver.receive()));
        head(20).check(&message(wait(&mut inbox)));
        drop(files);
        for shape in shapes {
            sender.send(shape.output()).unwrap();
            shape.check(&message(receiver.receive()));
            other.send(shape.output()).unwrap();
            shape.check(&message(wait(&mut inbox)));
        }
    });
}

#[test]
fn without_descriptors_sending_is_an_error_and_later_works_again() {
    let name =
        "transport::ipc::tests::without_descriptors_sending_is_an_error_and_later_works_again";
    alone(name, || {
        warm_up().unwrap();
        let (sender, receiver) = connection();
        let files = use_up_descriptors();
        sender.send(head(10).output()).unwrap();
        let error = sender.send(spliced(&[1000]).output()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(24), "{error}");
        assert!(pair().is_err());
        drop(files);
        sender.send(spliced(&[1000]).output()).unwrap();
        head(10).check(&message(receiver.receive()));
        spliced(&[1000]).check(&message(receiver.receive()));
    });
}

#[test]
fn without_descriptors_nothing_is_made_ready_and_later_it_is() {
    let name = "transport::ipc::tests::without_descriptors_nothing_is_made_ready_and_later_it_is";
    alone(name, || {
        let mut files = use_up_descriptors();
        // With any number of descriptors left it is either an error or done for good.
        while warm_up().is_err() {
            assert!(files.pop().is_some(), "warming up takes too much");
        }
        drop(files);
        let (sender, receiver) = connection();
        sender.send(head(10).output()).unwrap();
        head(10).check(&message(receiver.receive()));
    });
}

#[test]
fn nothing_stays_open() {
    let name = "transport::ipc::tests::nothing_stays_open";
    alone(name, || {
        warm_up().unwrap();
        let before = open_descriptors();
        for shape in WAYS {
            let (sender, mut inbox) = connection_to_inbox();
            let sending = thread::spawn(move || sender.send(shape.output()));
            shape.check(&message(wait(&mut inbox)));
            sending.join().unwrap().unwrap();
        }
        for shape in &WAYS[2..] {
            let (sender, inbox) = connection_to_inbox();
            let sending = thread::spawn(move || sender.send(shape.output()));
            poll(&mut [PollFd::new(&inbox.connection(), PollFlags::IN)], None).unwrap();
            drop(inbox);
            assert!(sending.join().unwrap().is_err());
        }
        assert_eq!(open_descriptors(), before);
    });
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn without_a_descriptor_what_needs_none_is_received_and_the_rest_is_dropped() {
    let name = "transport::ipc::tests::without_a_descriptor_what_needs_none_is_received_and_the_rest_is_dropped";
    alone(name, || {
        warm_up().unwrap();
        let (sender, mut inbox) = connection_to_inbox();
        let files = use_up_descriptors();
        assert!(matches!(inbox.receive(), Ok(Received::Nothing)));
        sender.send(head(10).output()).unwrap();
        head(10).check(&message(inbox.receive()));
        drop(files);
        let sending = thread::spawn(move || sender.send(spliced(&[8 << 20]).output()));
        poll(&mut [PollFd::new(&inbox.connection(), PollFlags::IN)], None).unwrap();
        let files = use_up_descriptors();
        assert!(inbox.receive().is_err());
        is_gone(sending.join().unwrap());
        is_closed(inbox.receive());
        drop(files);
    });
}

/// The ends of a connection that a sick process writes to, and what receives from it.
struct Sick {
    theirs: OwnedFd,
    inbox: Inbox,
}

impl Sick {
    fn new() -> Sick {
        let (ours, theirs) = pair().unwrap();
        let (_, inbox) = open_polled(ours).unwrap();
        Sick { theirs, inbox }
    }

    fn write(&self, packet: &[u8], descriptors: &[BorrowedFd<'_>]) {
        descriptors::send(self.theirs.as_fd(), packet, descriptors).unwrap();
    }

    /// What is sent properly arrives, whatever came before it.
    #[track_caller]
    fn check_good(&mut self) {
        let sender = Sender::new(self.theirs.try_clone().unwrap()).unwrap();
        for shape in [head(7), spliced(&[5000])] {
            sender.send(shape.output()).unwrap();
            shape.check(&message(wait(&mut self.inbox)));
        }
    }
}

#[track_caller]
fn is_nonsense(received: io::Result<Received>) {
    let error = received.expect_err("it is not a message");
    assert!(crate::transport::is_nonsense(&error), "{error}");
}

/// What C libraries write, and what is nearly a frame.
fn texts() -> Vec<Vec<u8>> {
    let lengths = |packet: usize, total: usize| {
        let mut text = vec![0; 64];
        text[..8].copy_from_slice(&packet.to_ne_bytes());
        text[8..16].copy_from_slice(&total.to_ne_bytes());
        text
    };
    vec![
        b"x".to_vec(),
        b"hello, world\n".to_vec(),
        vec![0; 64],
        vec![0xff; 64],
        vec![0; 16],
        vec![7; 200_000],
        lengths(64, 48),
        lengths(64, 1 << 60),
        lengths(64, 47),
        lengths(1 << 60, 48),
        lengths(63, 47),
        lengths(usize::MAX, usize::MAX),
    ]
}

#[test]
fn what_is_no_message_is_dropped_and_the_next_one_is_received() {
    let name = "transport::ipc::tests::what_is_no_message_is_dropped_and_the_next_one_is_received";
    alone(name, || {
        warm_up().unwrap();
        let mut sick = Sick::new();
        let (ours, theirs) = pair().unwrap();
        let receiver = Receiver::new(ours.try_clone().unwrap());
        let file = File::open("/dev/null").unwrap();
        let socket = annex::pair().unwrap().0;
        let before = open_descriptors();
        for text in texts() {
            for carried in [
                &[][..],
                &[file.as_fd()],
                &[socket.as_fd()],
                &[socket.as_fd(); 2],
                &[file.as_fd(); 253],
            ] {
                sick.write(&text, carried);
                is_nonsense(sick.inbox.receive());
                sick.check_good();
                descriptors::send(theirs.as_fd(), &text, carried).unwrap();
                is_nonsense(receiver.receive());
                assert_eq!(open_descriptors(), before);
            }
        }
    });
}

#[test]
fn a_packet_of_no_bytes_is_no_end() {
    within(|| {
        let mut sick = Sick::new();
        sick.write(b"", &[]);
        assert!(matches!(sick.inbox.receive(), Ok(Received::Nothing)));
        sick.write(b"", &[]);
        sick.check_good();
        let sender = Sender::new(sick.theirs.try_clone().unwrap()).unwrap();
        // Also if the end follows.
        sick.write(b"", &[]);
        sender.send(head(3).output()).unwrap();
        sick.write(b"", &[]);
        drop((sender, sick.theirs));
        head(3).check(&message(sick.inbox.receive()));
        is_closed(sick.inbox.receive());
        is_closed(sick.inbox.receive());
    });
}

#[test]
fn what_was_sent_arrives_also_from_one_that_did_not_receive() {
    within(|| {
        let (ours, theirs) = pair().unwrap();
        let (to_them, mut inbox) = open_polled(ours).unwrap();
        to_them.send(head(1).output()).unwrap();
        let sender = Sender::new(theirs).unwrap();
        sender.send(head(2).output()).unwrap();
        sender.send(head(3).output()).unwrap();
        drop(sender);
        head(2).check(&message(inbox.receive()));
        head(3).check(&message(inbox.receive()));
        is_closed(inbox.receive());
    });
}

/// A frame in the format of ipc-channel.
fn frame(plan: Option<[u64; 4]>, head: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    let mut number = |mut value: u64| {
        while value >= 0x80 {
            payload.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        payload.push(value.to_le_bytes()[0]);
    };
    match plan {
        None => number(0),
        Some(plan) => [1, 0].into_iter().chain(plan).for_each(&mut number),
    }
    number(head.len() as u64);
    payload.extend(head);
    let length = payload.len();
    [
        &(length + 16).to_ne_bytes()[..],
        &length.to_ne_bytes(),
        &payload,
    ]
    .concat()
}

#[test]
fn what_a_frame_carries_is_one_annex() {
    let name = "transport::ipc::tests::what_a_frame_carries_is_one_annex";
    alone(name, || {
        let mut sick = Sick::new();
        let file = File::open("/dev/null").unwrap();
        let stream = annex::pair().unwrap();
        let packets = pair().unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let before = open_descriptors();
        let (short, long) = (frame(None, b"abc"), frame(Some([1, 0, 0, 0]), b"abc"));
        sick.write(&short, &[]);
        assert_eq!(message(sick.inbox.receive()).head, b"abc");
        let (file, stream) = (file.as_fd(), stream.0.as_fd());
        for (packet, carried) in [
            (&short, &[stream][..]),
            (&short, &[file]),
            (&long, &[]),
            (&long, &[stream, stream]),
            (&long, &[stream, file]),
            (&long, &[file]),
            (&long, &[packets.0.as_fd()]),
            (&long, &[tcp.as_fd()]),
        ] {
            sick.write(packet, carried);
            is_nonsense(sick.inbox.receive());
            assert_eq!(open_descriptors(), before);
        }
        sick.check_good();
    });
}

/// Has a frame with this plan received, and what follows in the annex. Gives the annex, and what
/// there was to hear.
fn promise(sick: &mut Sick, plan: [u64; 4], annex: &[u8]) -> (UnixStream, io::Result<Received>) {
    let (ours, theirs) = annex::pair().unwrap();
    let mut ours = stream(ours);
    sick.write(&frame(Some(plan), b""), &[theirs.as_fd()]);
    ours.write_all(annex).unwrap();
    (ours, sick.inbox.receive())
}

#[test]
fn what_an_annex_promises_costs_nothing() {
    let name = "transport::ipc::tests::what_an_annex_promises_costs_nothing";
    alone(name, || {
        warm_up().unwrap();
        let mut sick = Sick::new();
        limit_memory(64 << 20);
        let before = open_descriptors();
        for huge in [1_u64 << 30, 1 << 40, 1 << 59] {
            let nonce = 7_u64.to_ne_bytes();
            let lengths = [&nonce[..], &huge.to_ne_bytes(), &[1; 1000]].concat();
            for (plan, annex) in [
                ([7, huge, 0, 0], &nonce[..]),
                ([7, 0, huge, 0], &nonce),
                ([7, 0, huge, huge], &nonce),
                ([7, 0, 0, 1], &lengths),
                ([7, 0, 0, huge], &lengths),
            ] {
                // It waits for what was promised, and takes no memory for it.
                let (ours, heard) = promise(&mut sick, plan, annex);
                assert!(matches!(heard, Ok(Received::Nothing)), "{heard:?}");
                assert!(matches!(sick.inbox.receive(), Ok(Received::Nothing)));
                drop(ours);
                let error = wait(&mut sick.inbox).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
                sick.check_good();
            }
        }
        // What cannot be.
        let nonce = 7_u64.to_ne_bytes();
        for (plan, annex) in [
            ([8, 0, 0, 0], &nonce[..]),
            ([7, 0, 0, u64::MAX], &nonce),
            ([7, 1, 0, 0], &[&nonce[..], &[0]].concat()),
        ] {
            is_nonsense(promise(&mut sick, plan, annex).1);
            sick.check_good();
        }
        assert_eq!(open_descriptors(), before);
    });
}

/// Lets this process have so much more memory.
fn limit_memory(more: u64) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').next().unwrap().parse().unwrap();
    let limit = Rlimit {
        current: Some(pages * rustix::param::page_size() as u64 + more),
        ..getrlimit(Resource::As)
    };
    setrlimit(Resource::As, limit).unwrap();
}

#[test]
fn a_message_that_there_is_no_memory_for_is_an_error_and_the_next_one_is_not() {
    let name = "transport::ipc::tests::a_message_that_there_is_no_memory_for_is_an_error_and_the_next_one_is_not";
    alone(name, || {
        const LENGTH: usize = 256 << 20;
        let (sender, mut inbox) = connection_to_inbox();
        let bytes = vec![0; LENGTH];
        thread::scope(|scope| {
            let sending = scope.spawn(|| {
                let mut output = Output::default();
                output.splices.push(Cow::Borrowed(&bytes));
                is_gone(sender.send(output));
                sender.send(head(9).output()).unwrap();
            });
            limit_memory((LENGTH / 2) as u64);
            let error = wait(&mut inbox).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutOfMemory);
            assert_eq!(
                error.to_string(),
                format!("there is not enough memory for a message of {LENGTH} bytes")
            );
            head(9).check(&message(wait(&mut inbox)));
            sending.join().unwrap();
        });
    });
}

#[test]
fn who_waits_for_room_gives_up_when_the_receiver_has_ended() {
    within(|| {
        // Another process has its end of the connection, as a copy that it made of itself would.
        let (ours, theirs) = pair().unwrap();
        let (sender, _inbox) = open_polled(ours).unwrap();
        let copy = crate::probe::allow_copy();
        let mut child = Command::new("true").spawn().unwrap();
        drop(copy);
        let pid = rustix::process::Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        for shape in [head(10), head(64 << 20), spliced(&[64 << 20])] {
            let limit = Limit::until(None).while_alive(pidfd.as_fd());
            let sent = sender.send_within(shape.output(), limit);
            assert_eq!(sent.is_ok(), shape.head == 10 && shape.splices.is_empty());
        }
        // The socket fills up, in the end.
        let limit = Limit::until(None).while_alive(pidfd.as_fd());
        let full = (0..10_000).find_map(|_| sender.send_within(head(10).output(), limit).err());
        is_gone(full.map_or(Ok(()), Err));
        let limit = Limit::until(Some(Instant::now()));
        let error = sender.send_within(head(10).output(), limit).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let message = EncodedMessage::new(head(10).output()).unwrap();
        assert_eq!(
            sender.begin(message).unwrap_err().kind(),
            ErrorKind::WouldBlock
        );
        drop(theirs);
        child.wait().unwrap();
    });
}

#[test]
fn ends_that_were_made_not_to_block_are_waited_for() {
    within(|| {
        let (ours, theirs) = pair().unwrap();
        for end in [&ours, &theirs] {
            rustix::io::ioctl_fionbio(end, true).unwrap();
        }
        let (sender, receiver) = (
            Sender::new(ours).unwrap(),
            Receiver::new(theirs.try_clone().unwrap()),
        );
        let shapes = [head(100), spliced(&[8 << 20]), head(100_000)];
        thread::scope(|scope| {
            scope.spawn(move || {
                for shape in shapes.iter().cycle().take(60) {
                    shape.check(&message(receiver.receive()));
                }
            });
            for shape in shapes.iter().cycle().take(60) {
                sender.send(shape.output()).unwrap();
            }
        });
    });
}

/// What is written at random, or was a frame before it was changed, never is more than an error.
#[test]
fn whatever_is_written_does_no_harm() {
    let name = "transport::ipc::tests::whatever_is_written_does_no_harm";
    alone(name, || {
        warm_up().unwrap();
        let file = File::open("/dev/null").unwrap();
        let mut sick = Sick::new();
        let (ours, theirs) = pair().unwrap();
        let receiver = Receiver::new(ours.try_clone().unwrap());
        let before = open_descriptors();
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut messages = 0;
        for _ in 0..3_000 {
            let (mut annexes, mut carried) = (Vec::new(), Vec::new());
            for _ in 0..[0, 0, 1, 1, 1, 2][random.place(6)] {
                let (ours, theirs) = annex::pair().unwrap();
                annexes.push(stream(ours));
                carried.push(theirs);
            }
            let plan = [7, 0, 0, 0].map(|it: u64| match random.place(8) {
                0 => random.next() >> random.place(64),
                1 => random.place(3) as u64,
                _ => it,
            });
            let plan = (random.place(3) > 0).then_some(plan);
            let text = bytes(random.place(300), 1);
            let mut packet = frame(plan, &text);
            match random.place(4) {
                0 => {
                    let (place, bit) = (random.place(packet.len()), random.place(8));
                    packet[place] ^= 1 << bit;
                }
                1 => packet.truncate(random.place(packet.len())),
                2 => {
                    packet = (0..random.place(200))
                        .map(|_| random.next().to_le_bytes()[0])
                        .collect();
                }
                _ => {}
            }
            let mut descriptors: Vec<_> = carried.iter().map(AsFd::as_fd).collect();
            if random.place(8) == 0 {
                descriptors.push(file.as_fd());
            }
            descriptors::send(sick.theirs.as_fd(), &packet, &descriptors).unwrap();
            descriptors::send(theirs.as_fd(), &packet, &descriptors).unwrap();
            drop(carried);
            for annex in &mut annexes {
                let mut wire = 7_u64.to_ne_bytes().to_vec();
                wire.extend((0..random.place(50)).map(|_| (random.next() % 3) as u8));
                wire.truncate(wire.len() - random.place(2) * random.place(8));
                // An error is that of one that is not read.
                let _ = annex.write_all(&wire);
            }
            drop(annexes);
            // What follows arrives, after one error or one message at most.
            for end in [&sick.theirs, &theirs] {
                let sender = Sender::new(end.try_clone().unwrap()).unwrap();
                sender.send(head(1234).output()).unwrap();
            }
            let mut look = |heard: io::Result<Received>| match heard {
                Ok(Received::Message(message)) if message.head.len() == 1234 => true,
                Ok(Received::Message(_)) => {
                    messages += 1;
                    false
                }
                Ok(received) => panic!("{received:?}"),
                Err(_) => false,
            };
            assert!(look(wait(&mut sick.inbox)) || look(wait(&mut sick.inbox)));
            assert!(look(receiver.receive()) || look(receiver.receive()));
        }
        assert!(messages > 50);
        assert_eq!(open_descriptors(), before);
    });
}

/// The memory in which a long message was stays for the next one, and no longer.
#[test]
fn what_is_kept_of_a_long_message_is_given_back_when_no_other_comes() {
    within(|| {
        let lately = Duration::from_hours(1);
        let (sender, receiver) = connection();
        let items: Vec<(u32, u8)> = vec![(1, 2); 2_000_000];
        let other = sender.clone();
        let sending = thread::spawn(move || {
            let mut output = Output::new(0);
            output.write(&items).unwrap();
            other.send(output).unwrap();
        });
        spare::keep_here();
        let mut long = message(receiver.receive());
        sending.join().unwrap();
        let read: Vec<(u32, u8)> = long.open().read().unwrap();
        assert_eq!(read.len(), 2_000_000);
        assert!(spare::is_kept(lately));
        // The next message is late.
        let (stop, stopped) = mpsc::channel::<()>();
        thread::spawn(move || {
            while stopped.recv_timeout(Duration::from_millis(1500)).is_err() {
                if sender.send(Output::new(0)).is_err() {
                    return;
                }
            }
        });
        while spare::is_kept(lately) {
            message(receiver.receive());
        }
        let _ = stop.send(());
    });
}
