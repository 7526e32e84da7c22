use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

use super::{Buffer, Chunk, Shared};
use crate::codec::{Error, Input, Message, Output};
use crate::random::Random;
use crate::sync::{Barrier, Condvar, Event, Mutex, RwLock, Semaphore};
use crate::sys::fd::OwnedFd;

/// A value as it is on its way.
fn sent(value: &impl Serialize) -> Message {
    let mut out = Output::new(0);
    out.write(value).unwrap();
    arrived(out)
}

fn arrived(mut out: Output<'_>) -> Message {
    out.confirm_sent();
    // Each has its own opening, as on the way, and the sender's are closed.
    let attachments = out
        .attachments
        .into_iter()
        .map(|descriptor| {
            Arc::try_unwrap(descriptor)
                .unwrap_or_else(|shared| OwnedFd::try_clone(&shared).unwrap())
        })
        .map(Arc::new)
        .collect();
    Message {
        head: out.head,
        splices: Vec::new(),
        attachments,
    }
}

fn receive<T: for<'de> serde::Deserialize<'de>>(message: &mut Message) -> Result<T, Error> {
    let mut input: Input<'_> = message.open();
    let value = input.read();
    input.finish()?;
    value
}

/// A type with a size that no other test uses, and so with regions of its own.
type Alone<const N: usize> = Shared<[AtomicU64; N]>;

fn alone<const N: usize>(value: u64) -> Alone<N> {
    let array = [const { AtomicU64::new(0) }; N];
    array[0].store(value, Ordering::Relaxed);
    Shared::new(array).unwrap()
}

#[test]
fn a_handle_that_comes_home_is_the_same() {
    let one = alone::<8>(1);
    let two = receive::<Alone<8>>(&mut sent(&one)).unwrap();
    assert!(Shared::ptr_eq(&one, &two));
    two[0].store(2, Ordering::Relaxed);
    assert_eq!(one[0].load(Ordering::Relaxed), 2);
}

#[test]
fn a_message_keeps_alive_what_it_carries() {
    let one = alone::<1000>(7);
    let mut message = sent(&one);
    // The message is the last holder: what is allocated now must not take the place.
    let address = std::ptr::from_ref(&*one);
    let keep = alone::<1000>(0);
    drop(one);
    let others: Vec<_> = (0..50).map(|_| alone::<1000>(9)).collect();
    let again = receive::<Alone<1000>>(&mut message).unwrap();
    assert!(std::ptr::eq(&raw const *again, address));
    assert_eq!(again[0].load(Ordering::Relaxed), 7);
    drop((keep, others));
}

#[test]
fn a_message_keeps_alive_what_has_a_region_alone() {
    let mut chunks = Buffer::<u64>::new(100_000).unwrap().split(2);
    chunks[1][0] = 7;
    let mut messages: Vec<_> = chunks.iter().map(sent).collect();
    drop(chunks);
    let received: Vec<Chunk<u64>> = messages
        .iter_mut()
        .map(|message| receive(message).unwrap())
        .collect();
    assert_eq!(Buffer::join(received).unwrap()[50_000], 7);
}

#[test]
fn a_message_that_nobody_receives_keeps_nothing() {
    let keep = alone::<1500>(0);
    let one = alone::<1500>(7);
    let address = std::ptr::from_ref(&*one);
    let message = sent(&one);
    drop(one);
    drop(message);
    // Found when there is no other room: a region of this size holds no more than eight.
    let others: Vec<_> = (0..8).map(|_| alone::<1500>(1)).collect();
    assert!(
        others
            .iter()
            .any(|other| std::ptr::eq(std::ptr::from_ref(&**other), address))
    );
    drop(keep);
}

#[test]
fn a_stale_handle_is_an_error() {
    let keep = alone::<700>(0);
    let one = alone::<700>(1);
    let mut message = sent(&one);
    // A descriptor that keeps the region, but not in the name of the message.
    message.attachments = sent(&keep).attachments;
    drop(one);
    // The place may be another's by now, or free.
    let other = alone::<700>(2);
    assert!(receive::<Alone<700>>(&mut message).is_err());
    assert_eq!(other[0].load(Ordering::Relaxed), 2);
}

#[test]
fn a_handle_of_another_type_is_an_error() {
    let mutex = Mutex::new(1_u32).unwrap();
    assert!(receive::<Mutex<i32>>(&mut sent(&mutex)).is_err());
    assert!(receive::<Mutex<bool>>(&mut sent(&mutex)).is_err());
    assert!(receive::<RwLock<u32>>(&mut sent(&mutex)).is_err());
    assert!(receive::<Shared<u32>>(&mut sent(&mutex)).is_err());
    assert!(receive::<Event>(&mut sent(&mutex)).is_err());
    assert!(receive::<Mutex<[u32]>>(&mut sent(&mutex)).is_err());
    assert!(receive::<Mutex<u32>>(&mut sent(&mutex)).is_ok());
}

#[test]
fn a_chunk_is_received_once() {
    let mut chunks = Buffer::<u8>::new(10).unwrap().split(2);
    let mut out = Output::new(0);
    out.write(&chunks[1]).unwrap();
    let copy = out.head.clone();
    let mut first = arrived(out);
    let mut second = Message {
        head: copy,
        splices: Vec::new(),
        attachments: first
            .attachments
            .iter()
            .map(|descriptor| Arc::new(descriptor.try_clone().unwrap()))
            .collect(),
    };
    let mut received: Chunk<u8> = receive(&mut first).unwrap();
    assert!(receive::<Chunk<u8>>(&mut second).is_err());
    // It is on its way, or there: it cannot be sent again, read or joined here.
    drop(second);
    assert!(Output::new(0).write(&chunks[1]).is_err());
    let kept = chunks.pop().unwrap();
    assert!(std::panic::catch_unwind(|| kept.len()).is_err());
    received[0] = 1;
    // When the receiver has dropped it, it can.
    drop(received);
    let again: Chunk<u8> = receive(&mut sent(&kept)).unwrap();
    chunks.push(again);
    assert_eq!(
        *Buffer::join(chunks).unwrap(),
        [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    );
    // Now it is a part of something else.
    assert!(Output::new(0).write(&kept).is_err());
}

#[test]
fn a_chunk_that_may_be_looked_at_is_not_another_s_before_it_is_dropped() {
    let chunk = Arc::new(Buffer::<u8>::new(10).unwrap().split(1).remove(0));
    let looked_at: &[u8] = &chunk;
    let mut message = sent(&*chunk);
    let receiver = std::thread::spawn(move || {
        let mut received: Chunk<u8> = receive(&mut message).unwrap();
        received.fill(1);
        received
    });
    // Its present owner has not begun.
    std::thread::sleep(std::time::Duration::from_millis(100));
    assert!(!receiver.is_finished());
    assert_eq!(looked_at, [0; 10]);
    drop(chunk);
    assert_eq!(*receiver.join().unwrap(), [1; 10]);
}

#[test]
fn a_chunk_that_nobody_looks_at_is_another_s_at_once() {
    let mut chunk = Buffer::<u8>::new(10).unwrap().split(1).remove(0);
    assert_eq!(chunk.len(), 10);
    // No slice outlives this.
    chunk[0] = 1;
    let received: Chunk<u8> = receive(&mut sent(&chunk)).unwrap();
    assert_eq!(received[0], 1);
}

#[test]
fn damaged_handles_are_errors() {
    let mutex = Mutex::from_slice(&[1_u64; 10]).unwrap();
    let lock = RwLock::new([2_u8; 3]).unwrap();
    let semaphore = Semaphore::new(2).unwrap();
    let (event, condvar) = (Event::new().unwrap(), Condvar::new().unwrap());
    let barrier = Barrier::new(2).unwrap();
    let chunks = Buffer::<u32>::new(100).unwrap().split(200);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for round in 0..4000 {
        let mut out = Output::new(0);
        out.write(&mutex).unwrap();
        out.write(&lock).unwrap();
        out.write(&semaphore).unwrap();
        out.write(&(&event, &condvar, &barrier)).unwrap();
        if let Some(chunk) = chunks.get(round) {
            out.write(chunk).unwrap();
        }
        let mut message = arrived(out);
        for _ in 0..=random.next() % 4 {
            let place = usize::try_from(random.next()).unwrap() % message.head.len();
            message.head[place] = random.next().to_le_bytes()[0];
        }
        let mut input = message.open();
        // Whatever comes out can be used.
        if let Ok(mutex) = input.read::<Mutex<[u64]>>() {
            assert_eq!(mutex.lock().unwrap()[9], 1);
        }
        if let Ok(lock) = input.read::<RwLock<[u8; 3]>>() {
            assert_eq!(*lock.read().unwrap(), [2; 3]);
        }
        if let Ok(semaphore) = input.read::<Semaphore>() {
            assert_eq!(semaphore.available(), 2);
        }
        if let Ok((event, condvar, barrier)) = input.read::<(Event, Condvar, Barrier)>() {
            condvar.notify_all();
            assert!(!event.is_set() && !barrier.is_broken());
        }
        if let Ok(mut chunk) = input.read::<Chunk<u32>>() {
            chunk.fill(7);
        }
    }
}

#[test]
fn more_messages_than_numbers_are_carried_too() {
    let one = alone::<32>(5);
    let mut messages: Vec<_> = (0..400).map(|_| sent(&one)).collect();
    drop(one);
    for message in &mut messages {
        let one = receive::<Alone<32>>(message).unwrap();
        assert_eq!(one[0].load(Ordering::Relaxed), 5);
    }
}

#[test]
fn alignment_beyond_a_page_is_an_error() {
    #[repr(align(8192))]
    struct Wide;
    #[expect(unsafe_code, reason = "the derive names the crate from outside")]
    // SAFETY: nothing is there.
    unsafe impl super::Shareable for Wide {}
    assert!(Shared::new(Wide).is_err());
}

#[test]
#[expect(unsafe_code, reason = "a copy of this process is made")]
fn what_a_copy_of_the_process_drops_stays_with_the_original() {
    // The region outlives the copy's handle, so that the copy need not ask for locks that another
    // thread had when it was made.
    let (keep, one) = (alone::<300>(0), alone::<300>(7));
    let _copy = crate::probe::allow_copy();
    // SAFETY: the copy only drops what it has, and ends.
    let copy = unsafe { libc::fork() };
    if copy == 0 {
        drop(one);
        // SAFETY: it ends here, without a destructor of the original's.
        unsafe { libc::_exit(0) };
    }
    let mut status = -1;
    // SAFETY: it is a child of this process, and the pointer is valid.
    assert_eq!(unsafe { libc::waitpid(copy, &raw mut status, 0) }, copy);
    assert_eq!(status, 0);
    // The cell is as it was, and can be sent on.
    let again = receive::<Alone<300>>(&mut sent(&one)).unwrap();
    again[0].store(8, Ordering::Relaxed);
    assert_eq!(one[0].load(Ordering::Relaxed), 8);
    drop(keep);
}
