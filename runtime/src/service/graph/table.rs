//! The table that all processes of a family map, and how one of them sees it.

#![expect(unsafe_code, reason = "words in shared memory are reached")]

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::process::family;
use crate::raw::{Holders, Participant};
use crate::sys::atomic::{AtomicU32, AtomicU64};
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::memory::{self, Mapping};

/// How many services there can be in a family.
pub(super) const NODES: u32 = 4096;

/// Bytes of a name that are kept.
pub(super) const NAME: usize = 63;

/// So many requests has a generation: `progress` and thresholds are twice as large. A service that
/// has more goes on into the numbers of the next generation, which then begins later.
const NUMBERS: u32 = 44;

/// More requests than a queue holds.
const MOST_WAITING: u64 = 1 << 32;

/// What all processes share. Zeros are a table without nodes.
#[repr(C)]
pub(super) struct Table {
    header: Header,
    nodes: [NodeWords; NODES as usize],
}

#[repr(C, align(128))]
struct Header {
    /// No other table has it; 0 until a process needs it.
    id: AtomicU64,
    /// How many processes have got a mark.
    marks: AtomicU32,
}

/// The words of a node, on cache lines of their own. They change as the module says.
#[repr(C, align(128))]
pub(super) struct NodeWords {
    pub(super) owner: AtomicU64,
    pub(super) seat: AtomicU64,
    pub(super) progress: AtomicU64,
    pub(super) epoch: AtomicU64,
    pub(super) target: AtomicU64,
    pub(super) threshold: AtomicU64,
    name: [AtomicU64; 8],
}

const _: () = assert!(size_of::<Table>() <= family::LENGTH);

/// Which service of a family: what its clients and its process are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The table's number. In that of another family the rest means nothing.
    pub(super) graph: u64,
    pub(super) index: u32,
    pub(super) generation: u32,
}

impl Place {
    /// The progress at which a generation begins.
    pub(super) fn first(self) -> u64 {
        u64::from(self.generation) << (NUMBERS + 1)
    }

    /// The progress at which all requests before this one are done.
    pub(super) fn before(self, request: u64) -> u64 {
        self.first().saturating_add(request.saturating_mul(2))
    }
}

/// The graph, as one process has it.
#[derive(Debug)]
pub(crate) struct Graph {
    mapping: Arc<Mapping>,
    member: Participant,
    id: u64,
    #[cfg(test)]
    file: Arc<OwnedFd>,
}

impl Graph {
    /// The graph of this process's family.
    pub(crate) fn of_family() -> io::Result<Arc<Graph>> {
        static GRAPH: OnceLock<Arc<Graph>> = OnceLock::new();
        if let Some(graph) = GRAPH.get() {
            return Ok(Arc::clone(graph));
        }
        let graph = Arc::new(Graph::open(&family::file()?)?);
        Ok(Arc::clone(GRAPH.get_or_init(|| graph)))
    }

    /// The graph in a file.
    fn open(file: &Arc<OwnedFd>) -> io::Result<Graph> {
        let (_, length) = memory::inspect(file.as_fd())?;
        if length < size_of::<Table>() {
            return Err(io::Error::other("the memory of the family is too short"));
        }
        let mapping = Mapping::new(file.as_fd(), size_of::<Table>())?;
        Graph::enter(file, Arc::new(mapping))
    }

    fn enter(file: &Arc<OwnedFd>, mapping: Arc<Mapping>) -> io::Result<Graph> {
        let header = &table(&mapping).header;
        let identity = memory::identity(file.as_fd())?;
        let id = RandomState::new().hash_one(identity).max(1);
        let set = header
            .id
            .compare_exchange(0, id, Ordering::SeqCst, Ordering::SeqCst);
        Ok(Graph {
            member: Participant::enter(file.as_fd(), &header.marks)?,
            id: set.err().unwrap_or(id),
            mapping,
            #[cfg(test)]
            file: Arc::clone(file),
        })
    }

    /// A graph of its own.
    #[cfg(test)]
    pub(super) fn alone() -> Graph {
        Graph::open(&Arc::new(memory::create(family::LENGTH).unwrap())).unwrap()
    }

    /// The same graph as another process would have it, at the same place in memory.
    #[cfg(test)]
    pub(super) fn of_another_process(&self) -> Graph {
        Graph::enter(&self.file, Arc::clone(&self.mapping)).unwrap()
    }

    /// Where the first nodes are.
    #[cfg(test)]
    pub(super) fn shared_words(&self, nodes: usize) -> std::ops::Range<usize> {
        crate::probe::bytes_of(&table(&self.mapping).nodes[..nodes])
    }

    pub(super) fn place(&self, index: u32, generation: u32) -> Place {
        Place {
            graph: self.id,
            index,
            generation,
        }
    }

    /// The node at a place; `None` if it is of another family, or of none.
    pub(super) fn at(&self, place: Place) -> Option<&NodeWords> {
        self.node(place.index)
            .filter(|_| place.graph == self.id && place.generation > 0)
    }

    pub(super) fn node(&self, index: u32) -> Option<&NodeWords> {
        table(&self.mapping).nodes.get(index as usize)
    }

    /// The mark of this process.
    pub(super) fn mark(&self) -> u32 {
        self.member.mark()
    }

    /// Whether the process with this mark lives. A system call.
    pub(super) fn is_alive(&self, mark: u32) -> bool {
        mark != 0 && self.member.is_mark_alive(mark)
    }
}

impl NodeWords {
    /// Makes `progress` at least this.
    pub(super) fn advance(&self, progress: u64) {
        self.progress.fetch_max(progress, Ordering::SeqCst);
    }

    /// Takes the edge back that a dead process has left.
    pub(super) fn end_wait(&self) {
        let epoch = self.epoch.load(Ordering::SeqCst);
        if is_waiting(epoch) {
            self.epoch.store(epoch.wrapping_add(1), Ordering::SeqCst);
        }
    }

    /// A generation whose numbers are above all that were used here; `None` if there is none left.
    pub(super) fn next_generation(&self) -> Option<u32> {
        let [owner, seat] =
            [&self.owner, &self.seat].map(|word| generation_of(word.load(Ordering::SeqCst)));
        let progress = self.progress.load(Ordering::SeqCst);
        let begun = progress.saturating_add(2 * MOST_WAITING) >> (NUMBERS + 1);
        let next = u64::from(owner.max(seat)).max(begun) + 1;
        // Twice its numbers have to fit into a word.
        let is_left = next < 1 << (u64::BITS - NUMBERS - 1);
        u32::try_from(next).ok().filter(|_| is_left)
    }

    pub(super) fn set_name(&self, name: &str) {
        let mut bytes = [0; NAME + 1];
        let mut ends = (0..=name.len().min(NAME)).rev();
        let end = ends.find(|end| name.is_char_boundary(*end)).unwrap_or(0);
        bytes[..end].copy_from_slice(&name.as_bytes()[..end]);
        let (words, _) = bytes.as_chunks();
        for (word, bytes) in self.name.iter().zip(words) {
            word.store(u64::from_ne_bytes(*bytes), Ordering::Relaxed);
        }
    }

    pub(super) fn name(&self) -> String {
        let words = self.name.each_ref();
        let words = words.map(|word| word.load(Ordering::Relaxed).to_ne_bytes());
        let bytes = words.as_flattened();
        let length = bytes.iter().position(|byte| *byte == 0);
        String::from_utf8_lossy(&bytes[..length.unwrap_or(NAME)]).into_owned()
    }
}

/// Whether there is an edge, with this epoch.
pub(super) fn is_waiting(epoch: u64) -> bool {
    epoch % 2 == 1
}

/// A word of a generation, and a mark or 0.
pub(super) fn pack(generation: u32, mark: u32) -> u64 {
    u64::from(generation) << 32 | u64::from(mark)
}

pub(super) fn generation_of(word: u64) -> u32 {
    (word >> 32) as u32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the lower half is the mark"
)]
pub(super) fn mark_of(word: u64) -> u32 {
    word as u32
}

fn table(mapping: &Mapping) -> &Table {
    // SAFETY: `Graph` maps as many bytes as a table has, and mappings begin at a page. All fields are
    // atomic integers, of which any bytes are a value.
    unsafe { mapping.base().cast().as_ref() }
}
