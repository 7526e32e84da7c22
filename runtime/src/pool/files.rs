//! Files of frozen values on their way to a worker: each is sent once, and then meant by a number.
//!
//! A descriptor costs a worker's pool ten times what a short task does: a message with one goes beside the
//! connection. But a frozen value is an argument of many tasks. So a worker keeps the files that came with its
//! tasks, each in a place with a number, and what it has made of them: it is the pool that says which file is in
//! which place. Measured, 100 tasks in a pool of one worker, each of which looks something up in a frozen value:
//! 1.3 to 1.5 times as long as one without an argument, and 45 times when each brought the descriptor along.
//!
//! That keeps values in memory, so it ends:
//!
//! | when | then |
//! |---|---|
//! | the pool sends a worker something, and finds that the program has no handle to a value any more | the worker is told to forget that |
//! | all places are taken | the file that was used the longest time ago makes room |
//! | a worker has had nothing to do for [`IDLE`] | it forgets all |
//! | it dies | its successor starts with none |
//!
//! A worker that forgets by itself says so on the board, while a message that counts on what it had may be on its
//! way. Both sides first say what they do, and then look at what the other has said, with a fence between:
//!
//! | the pool | the worker |
//! |---|---|
//! | offers a round | notes that it has forgotten |
//! | looks whether the worker has forgotten | looks whether a round was offered since its last message |
//! | if so, sends all files with the message | if so, forgets nothing: a message is coming |
//!
//! So if the worker does not see the round, the pool sees the note, and counts on nothing. If each sees the
//! other, the files come again, and the worker is told to forget what it has. A worker that dies after any
//! of these steps is gone, with what it has.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::codec::{CommonFile, CommonFiles};
use crate::foreign;
use crate::sys::fd::OwnedFd;

/// How many files a worker keeps.
const PLACES: usize = 8;

/// How many files a message means at most.
pub(super) const MOST: usize = PLACES;

/// How long a worker waits for something to do before it forgets them.
pub(super) const IDLE: Duration = Duration::from_millis(100);

/// What stands beside a place if the file comes with the message.
const NEW: u8 = 0x80;

/// All places.
const ALL: u8 = u8::MAX;

/// Which files a message means, and what is to be forgotten before.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct FileList {
    /// A bit for each place.
    pub(super) forget: u8,
    /// In the order in which the message counts them; with [`NEW`] if they come with it.
    pub(super) places: Vec<u8>,
}

/// Which files a worker has, as its pool knows.
#[derive(Debug, Default)]
pub(super) struct Lent {
    places: [Option<LentFile>; PLACES],
    /// Counts messages.
    clock: u64,
    /// How often the worker has forgotten them.
    forgotten: u64,
    /// What it is to be told to forget.
    forget: u8,
}

#[derive(Debug)]
struct LentFile {
    /// While the program has the file, no other has this address.
    file: Weak<OwnedFd>,
    last_use: u64,
}

impl Lent {
    /// Takes in how often the worker says that it has forgotten what it had.
    pub(super) fn note_forgotten(&mut self, times: u64) {
        if self.forgotten != times {
            self.forgotten = times;
            self.places = Default::default();
            self.forget = ALL;
        }
    }

    /// Says how a message means these files, [`MOST`] at most, and which of them go with it.
    pub(super) fn lend(&mut self, files: &[Arc<OwnedFd>]) -> (FileList, Vec<Arc<OwnedFd>>) {
        self.clock += 1;
        for (number, place) in self.places.iter_mut().enumerate() {
            if place.as_ref().is_some_and(|it| it.file.strong_count() == 0) {
                *place = None;
                self.forget |= 1 << number;
            }
        }
        let mut new = Vec::new();
        let mut places = Vec::with_capacity(files.len());
        for file in files {
            let is_it = |lent: &LentFile| std::ptr::eq(lent.file.as_ptr(), Arc::as_ptr(file));
            let known = |place: &Option<LentFile>| place.as_ref().is_some_and(is_it);
            let known = self.places.iter().position(known);
            let number = known.unwrap_or_else(|| self.next_place());
            self.places[number] = Some(LentFile {
                file: Arc::downgrade(file),
                last_use: self.clock,
            });
            let mut place = u8::try_from(number).unwrap_or_default();
            if known.is_none() {
                new.push(Arc::clone(file));
                place |= NEW;
            }
            places.push(place);
        }
        let forget = std::mem::take(&mut self.forget);
        (FileList { forget, places }, new)
    }

    /// The place for another file: a free one, or that of the file that was not used for the longest time.
    fn next_place(&self) -> usize {
        let use_of = |place: &Option<LentFile>| place.as_ref().map(|lent| lent.last_use);
        let places = self.places.iter().map(use_of).enumerate();
        let oldest = places.min_by_key(|(_, last_use)| *last_use);
        oldest.map_or(0, |(number, _)| number)
    }
}

/// The files that a worker has.
#[derive(Debug, Default)]
pub(super) struct Held {
    places: [Option<Arc<CommonFile>>; PLACES],
    /// Those that are held no more.
    gone: Vec<Arc<CommonFile>>,
    /// How often it has forgotten them by itself.
    pub(super) forgotten: u64,
}

impl Held {
    pub(super) fn is_empty(&self) -> bool {
        self.places.iter().all(Option::is_none)
    }

    /// The files that a message means, of which some came with it.
    pub(super) fn take_in(
        &mut self,
        list: &Listed<'_>,
        new: &mut Vec<Arc<OwnedFd>>,
    ) -> Option<CommonFiles> {
        if list.forget != 0 {
            self.forget(list.forget);
        }
        if list.places.is_empty() {
            return None;
        }
        let mut new = std::mem::take(new).into_iter();
        let files = list.places.iter().map_while(|place| {
            let number = usize::from(place & !NEW) % PLACES;
            if place & NEW != 0 {
                let file = CommonFile::new(new.next()?);
                self.gone
                    .extend(self.places[number].replace(Arc::new(file)));
            }
            self.places[number].clone()
        });
        Some(files.collect())
    }

    /// Forgets all.
    pub(super) fn forget_all(&mut self) {
        self.forget(ALL);
        self.let_go();
    }

    fn forget(&mut self, which: u8) {
        for (number, place) in self.places.iter_mut().enumerate() {
            if which & 1 << number != 0 {
                self.gone.extend(place.take());
            }
        }
    }

    /// Lets go of what is held no more. That is done when the tasks of a message have run, and have what they
    /// need: of the values that no task uses, a process keeps a few only.
    pub(super) fn let_go(&mut self) {
        for file in self.gone.drain(..) {
            // What was made of it may have a destructor.
            foreign::call(|| drop(file));
        }
    }
}

/// A [`FileList`] as it is read.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Listed<'m> {
    pub(super) forget: u8,
    pub(super) places: &'m [u8],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::memory;

    fn file() -> Arc<OwnedFd> {
        Arc::new(memory::create(4096).unwrap())
    }

    /// Has a worker take in the message that means these files, which it finds then.
    fn send(lent: &mut Lent, held: &mut Held, files: &[Arc<OwnedFd>]) -> usize {
        let (FileList { forget, places }, mut new) = lent.lend(files);
        let count = new.len();
        let list = Listed {
            forget,
            places: &places,
        };
        let found = held.take_in(&list, &mut new);
        let found: Vec<Arc<OwnedFd>> = found
            .iter()
            .flat_map(|files| files.iter())
            .map(|file| {
                let descriptor =
                    file.find_or_make(|descriptor| Ok(Arc::new(Arc::clone(descriptor))));
                Arc::clone(&*descriptor.unwrap())
            })
            .collect();
        assert_eq!(found.len(), files.len());
        assert!(found.iter().zip(files).all(|(a, b)| Arc::ptr_eq(a, b)));
        count
    }

    fn held_count(held: &Held) -> usize {
        held.places.iter().flatten().count()
    }

    #[test]
    fn a_file_is_sent_once() {
        let (mut lent, mut held) = (Lent::default(), Held::default());
        let files = [file(), file()];
        assert_eq!(send(&mut lent, &mut held, &files), 2);
        assert_eq!(send(&mut lent, &mut held, &files), 0);
        assert_eq!(send(&mut lent, &mut held, &[]), 0);
        assert_eq!(send(&mut lent, &mut held, &files[1..]), 0);
        assert_eq!(held_count(&held), 2);
    }

    #[test]
    fn those_that_were_not_used_for_long_make_room() {
        let (mut lent, mut held) = (Lent::default(), Held::default());
        let files: Vec<_> = (0..100).map(|_| file()).collect();
        for _ in 0..3 {
            for few in files.windows(MOST) {
                let sent = send(&mut lent, &mut held, few);
                // Of the next few, all but one were meant before.
                assert_eq!(
                    sent,
                    if Arc::ptr_eq(&few[0], &files[0]) {
                        MOST
                    } else {
                        1
                    }
                );
            }
        }
        assert_eq!(held_count(&held), PLACES);
    }

    #[test]
    fn what_the_program_has_no_more_is_forgotten_with_the_next_message() {
        let (mut lent, mut held) = (Lent::default(), Held::default());
        let (kept, dropped) = (file(), file());
        // The worker's is another descriptor.
        let (list, new) = lent.lend(&[Arc::clone(&kept), Arc::clone(&dropped)]);
        let mut new: Vec<_> = new
            .into_iter()
            .map(|it| Arc::new(it.try_clone().unwrap()))
            .collect();
        let list = Listed {
            forget: list.forget,
            places: &list.places,
        };
        held.take_in(&list, &mut new);
        assert_eq!(held_count(&held), 2);
        drop(dropped);
        let (list, new) = lent.lend(&[]);
        assert!(new.is_empty());
        let list = Listed {
            forget: list.forget,
            places: &list.places,
        };
        held.take_in(&list, &mut Vec::new());
        assert_eq!(held_count(&held), 1);
        // A new file that has the place, or the address, of the old one is another.
        assert_eq!(lent.lend(&[kept, file()]).1.len(), 1);
    }

    #[test]
    fn to_a_worker_that_has_forgotten_all_is_sent_again() {
        let (mut lent, mut held) = (Lent::default(), Held::default());
        let files = [file()];
        send(&mut lent, &mut held, &files);
        held.forget_all();
        assert!(held.is_empty());
        lent.note_forgotten(1);
        assert_eq!(send(&mut lent, &mut held, &files), 1);
        // It may have seen that a message was coming, and have forgotten nothing.
        lent.note_forgotten(2);
        assert_eq!(send(&mut lent, &mut held, &files), 1);
        assert_eq!(held_count(&held), 1);
        assert_eq!(send(&mut lent, &mut held, &files), 0);
    }

    #[test]
    fn a_list_that_cannot_be_means_fewer_files() {
        let mut held = Held::default();
        for places in [&[0][..], &[0xff], &[NEW, 3]] {
            let list = Listed { forget: 0, places };
            let mut new = vec![];
            assert_eq!(held.take_in(&list, &mut new).unwrap().len(), 0);
        }
    }
}
