//! Types and pieces of odd shapes: nothing at all, aligned to much, in the wrong order.

use std::cell::Cell;
use std::marker::PhantomData;
use std::num::{NonZero, Wrapping};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use multiproc::shm::{Buffer, Chunk, Shared};
use multiproc::sync::{Mutex, ReentrantLock, RwLock};
use multiproc::{Shareable, worker};

use crate::{seconds, within};

#[derive(Debug, Default, Clone, Copy, PartialEq, Shareable)]
#[repr(align(64))]
struct Line(u8);

#[derive(Debug, Default, Clone, Copy, PartialEq, Shareable)]
#[repr(align(1024))]
struct Sector(u8);

#[derive(Debug, Default, Clone, Copy, PartialEq, Shareable)]
#[repr(align(4096))]
struct Page(u8);

#[derive(Debug, Default, Clone, Copy, PartialEq, Shareable)]
#[repr(align(8192))]
struct TwoPages(u8);

#[derive(Debug, Default, Clone, Copy, PartialEq, Shareable)]
#[repr(align(4096))]
struct NoPage;

fn is_aligned<T>(values: &[T]) {
    let address = values.as_ptr().addr();
    assert!(address.is_multiple_of(align_of::<T>()), "{address:x}");
}

/// Everything that holds a `T`, several times, so that cells behind the first are used too.
fn check<T>(value: T)
where
    T: Shareable + Sync + Copy + Default + PartialEq + std::fmt::Debug,
{
    let mut kept = Vec::new();
    for length in [1, 2, 3, 100] {
        let (mutex, lock) = (Mutex::new(value).unwrap(), RwLock::new(value).unwrap());
        let (shared, reentrant) = (
            Shared::new(value).unwrap(),
            ReentrantLock::new(value).unwrap(),
        );
        is_aligned(std::slice::from_ref(&*mutex.lock().unwrap()));
        is_aligned(std::slice::from_ref(&*lock.read().unwrap()));
        is_aligned(std::slice::from_ref(&*reentrant.lock().unwrap()));
        is_aligned(std::slice::from_ref(&*shared));
        *mutex.lock().unwrap() = T::default();
        *lock.write().unwrap() = value;
        assert_eq!((*shared, *reentrant.lock().unwrap()), (value, value));
        assert_eq!(*mutex.lock().unwrap(), T::default());
        let values = vec![value; length];
        let slices = (
            Mutex::from_slice(&values).unwrap(),
            RwLock::from_slice(&values).unwrap(),
            Shared::from_slice(&values).unwrap(),
            Buffer::from_slice(&values).unwrap(),
        );
        is_aligned(&slices.0.lock().unwrap());
        is_aligned(&slices.1.read().unwrap());
        is_aligned(&slices.2);
        is_aligned(&slices.3);
        assert_eq!(*slices.0.lock().unwrap(), *values);
        assert_eq!(*slices.2, *values);
        assert_eq!(*slices.3, *values);
        assert_eq!(
            *Mutex::from_elem(value, length).unwrap().lock().unwrap(),
            *values
        );
        assert_eq!(
            *RwLock::from_elem(value, length).unwrap().read().unwrap(),
            *values
        );
        assert_eq!(*Shared::from_elem(value, length).unwrap(), *values);
        assert_eq!(*Buffer::from_elem(value, length).unwrap(), *values);
        // In a place that was something else's, too.
        let defaults = vec![T::default(); length];
        assert_eq!(*Buffer::<T>::new(length).unwrap(), *defaults);
        let chunks = Buffer::from_slice(&values).unwrap().split(3);
        chunks.iter().for_each(|chunk| is_aligned(chunk));
        assert_eq!(*Buffer::join(chunks).unwrap(), *values);
        kept.push((mutex, lock, shared, reentrant, slices));
    }
}

#[test]
fn what_is_aligned_to_much_is_aligned_everywhere() {
    check(Line(1));
    check(Sector(2));
    check(Page(3));
    check([Line(4); 3]);
}

#[test]
fn numbers_and_what_is_made_of_them_have_their_defaults() {
    check(u8::MAX);
    check(-1.5_f64);
    check('z');
    check([(true, u128::MAX); 3]);
    check((1_u8, 1_u64, Wrapping(1_i16)));
    check(Some(NonZero::new(7_u32).unwrap()));
    check(Duration::MAX);
}

#[test]
fn what_is_nothing_can_be_shared() {
    check(());
    check([0_u64; 0]);
    check([(); 7]);
    check(NoPage);
    check(PhantomData::<u8>);
    let chunks = Buffer::from_slice(&[(); 5]).unwrap().split(2);
    assert_eq!(
        chunks.iter().map(|chunk| chunk.len()).collect::<Vec<_>>(),
        [3, 2]
    );
    // Nothing has no end, either.
    let endless = Shared::from_slice(&[(); usize::MAX]).unwrap();
    assert_eq!(endless.len(), usize::MAX);
    let endless = Shared::from_elem(NoPage, usize::MAX).unwrap();
    assert_eq!(endless.len(), usize::MAX);
    let endless = Buffer::from_slice(&[(); usize::MAX]).unwrap().split(2);
    assert_eq!(Buffer::join(endless).unwrap().len(), usize::MAX);
}

#[test]
fn what_cannot_be_shared_is_an_error() {
    assert!(Mutex::new(TwoPages(1)).is_err());
    assert!(Shared::from_slice(&[TwoPages(1); 3]).is_err());
    assert!(Buffer::<TwoPages>::new(3).is_err());
    assert!(Mutex::<[u8]>::from_slice(&[]).is_err());
    assert!(RwLock::<[u8]>::from_slice(&[]).is_err());
    assert!(Shared::<[u8]>::from_slice(&[]).is_err());
    assert!(Shared::<[AtomicU8]>::from_fn(0, |_| AtomicU8::new(0)).is_err());
    assert!(Buffer::<u8>::from_slice(&[]).is_err());
    assert!(Buffer::<()>::new(0).is_err());
    assert!(Mutex::from_elem(1_u8, 0).is_err());
    assert!(RwLock::from_elem(1_u8, 0).is_err());
    assert!(Shared::from_elem(1_u8, 0).is_err());
    assert!(Buffer::from_elem(1_u8, 0).is_err());
    assert!(Buffer::from_elem(1_u64, usize::MAX).is_err());
    assert!(Buffer::<u64>::new(usize::MAX).is_err());
    assert!(Buffer::<u64>::new(usize::MAX / 8).is_err());
    assert!(Shared::<[AtomicU8]>::from_fn(usize::MAX, |_| AtomicU8::new(0)).is_err());
}

#[worker]
fn sees(lines: Shared<[Line]>, pages: Mutex<Page>, nothing: RwLock<[u64; 0]>) -> [usize; 3] {
    is_aligned(&lines);
    let page = pages.lock().unwrap();
    [
        lines.len(),
        std::ptr::from_ref(&*page).addr() % 4096,
        nothing.read().unwrap().len(),
    ]
}

#[test]
fn odd_shapes_are_the_same_in_another_process() {
    within(seconds(60), || {
        let lines = Shared::from_slice(&[Line(1); 100]).unwrap();
        let page = Mutex::new(Page(1)).unwrap();
        let nothing = RwLock::new([0_u64; 0]).unwrap();
        assert_eq!(sees::run(lines, page, nothing).unwrap(), [100, 0, 0]);
    });
}

#[test]
fn an_element_that_panics_leaves_nothing_behind() {
    let made = std::panic::catch_unwind(|| {
        Shared::from_fn(3, |index| {
            assert!(index < 2, "on purpose");
            AtomicU8::new(1)
        })
    });
    assert!(made.is_err());
    let shared = Shared::from_fn(3, |_| AtomicBool::new(true)).unwrap();
    assert!(shared.iter().all(|it| it.load(Ordering::Relaxed)));
}

/// Why chunks cannot be joined; they come back, all of them.
fn refused<T: Shareable + std::fmt::Debug>(chunks: Vec<Chunk<T>>, reason: &str) -> Vec<Chunk<T>> {
    let count = chunks.len();
    let error = Buffer::join(chunks).unwrap_err();
    assert_eq!(error.to_string(), reason);
    let chunks = error.into_chunks();
    assert_eq!(chunks.len(), count);
    chunks
}

#[test]
fn only_all_chunks_of_one_buffer_make_one() {
    let buffer = |length: u32| Buffer::from_slice(&(0..length).collect::<Vec<_>>()).unwrap();
    refused(Vec::<Chunk<u8>>::new(), "there are no chunks to be joined");
    // In any order, with empty ones.
    let mut chunks = buffer(3).split(7);
    chunks.reverse();
    chunks.swap(1, 5);
    assert_eq!(*Buffer::join(chunks).unwrap(), [0, 1, 2]);
    // Of another buffer, of the same size and with the same beginnings.
    let (mut one, mut other) = (buffer(4).split(2), buffer(4).split(2));
    let chunks = vec![one.remove(0), other.remove(1)];
    let mut chunks = refused(chunks, "the chunks are of different buffers");
    // What came back is as good as before.
    let second = chunks.pop().unwrap();
    assert_eq!(
        *Buffer::join([other.remove(0), second]).unwrap(),
        [0, 1, 2, 3]
    );
    assert_eq!(
        *Buffer::join([chunks.remove(0), one.remove(0)]).unwrap(),
        [0, 1, 2, 3]
    );
    // With one missing, at the beginning, in the middle, at the end; an empty one is not missed.
    for missing in 0..3 {
        let mut chunks = buffer(3).split(3);
        chunks.remove(missing);
        refused(chunks, "a chunk is missing");
    }
    let mut chunks = buffer(2).split(3);
    chunks.pop();
    assert_eq!(*Buffer::join(chunks).unwrap(), [0, 1]);
    // An empty one of another buffer.
    let mut chunks = buffer(2).split(3);
    chunks[2] = buffer(2).split(3).remove(2);
    refused(chunks, "the chunks are of different buffers");
    // Divided and joined again and again.
    let mut whole = buffer(10);
    for count in 1..20 {
        whole = Buffer::join(whole.split(count)).unwrap();
    }
    assert_eq!(*whole, (0..10).collect::<Vec<_>>());
}

#[worker]
fn keeps_or_returns(chunk: Chunk<u32>, returns: bool) -> Option<Chunk<u32>> {
    returns.then_some(chunk)
}

#[test]
fn a_chunk_that_was_elsewhere_is_joined_once() {
    within(seconds(60), || {
        let mut chunks = Buffer::from_slice(&[1_u32, 2, 3, 4]).unwrap().split(2);
        let home = keeps_or_returns::run(chunks.remove(0), true)
            .unwrap()
            .unwrap();
        assert_eq!(home.offset(), 0);
        // Two of the first and none of the second is not all there is.
        let gone = keeps_or_returns::run(chunks.remove(0), false).unwrap();
        assert!(gone.is_none());
        refused(vec![home], "a chunk is missing");
    });
}

#[test]
fn a_value_with_a_cell_in_it_is_for_one_at_a_time() {
    let reentrant = ReentrantLock::new([Cell::new(1), Cell::new(2)]).unwrap();
    let (one, two) = (reentrant.lock().unwrap(), reentrant.lock().unwrap());
    one[0].swap(&two[1]);
    assert_eq!((two[0].get(), one[1].get()), (2, 1));
    let mutex = Mutex::new(Cell::new(Some(Wrapping(1_u8)))).unwrap();
    assert_eq!(mutex.lock().unwrap().take(), Some(Wrapping(1)));
    let niche = Mutex::new(Some((NonZero::new(7_u8), Duration::from_secs(1), 'x'))).unwrap();
    let kept = niche.lock().unwrap().take();
    assert_eq!(kept, Some((NonZero::new(7), Duration::from_secs(1), 'x')));
    assert_eq!(*niche.lock().unwrap(), None);
}
