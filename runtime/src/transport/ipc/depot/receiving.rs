//! The receiver's side: the depots of those who send to it.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Depot, HEADER, MOST};
use crate::codec::Message;
use crate::sys::memory;
use crate::transport::error::nonsense;
use crate::transport::ipc::frame::BlocksPlan;

/// A depot that nothing has come through for so long is given back by a receiver that waits.
pub(crate) const IDLE: Duration = Duration::from_secs(1);

/// What stands for a depot in a message in which its receiver moves.
pub(crate) type PackedDepot = (u64, Arc<OwnedFd>);

/// The depots that a receiver has.
#[derive(Debug, Default)]
pub(in crate::transport::ipc) struct Depots(Vec<Known>);

#[derive(Debug)]
struct Known {
    id: u64,
    file: Arc<OwnedFd>,
    depot: Depot,
    used: Instant,
}

impl Depots {
    /// More are not taken.
    pub(super) const MOST: usize = 8;

    /// Those of a receiver that has moved here. What cannot be mapped is missing: a message in it
    /// will be an error.
    pub(in crate::transport::ipc) fn unpack(packed: Vec<PackedDepot>) -> Depots {
        let known = packed
            .into_iter()
            .take(Depots::MOST)
            .filter_map(|(id, file)| {
                let depot = Depot::open(&file).ok()?;
                Some(Known::new(id, file, depot))
            });
        Depots(known.collect())
    }

    /// What moves with the receiver.
    pub(in crate::transport::ipc) fn pack(&self) -> Vec<PackedDepot> {
        let known = self.0.iter();
        known
            .map(|known| (known.id, Arc::clone(&known.file)))
            .collect()
    }

    pub(in crate::transport::ipc) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a depot that is offered, if there is a place for it.
    pub(in crate::transport::ipc) fn accept(&mut self, id: u64, file: OwnedFd) {
        self.0.retain(|known| !known.depot.is_over());
        if self.0.len() >= Depots::MOST && !self.give_one_back() {
            return;
        }
        // Without it, its sender goes on as before.
        if let Ok(depot) = Depot::open(&file) {
            depot.accept();
            self.0.push(Known::new(id, Arc::new(file), depot));
        }
    }

    /// Makes place for another; false if there are messages in all of them.
    fn give_one_back(&mut self) -> bool {
        self.0.sort_by_key(|known| known.used);
        let is_given_back = |known: &Known| known.give_back();
        let found = self.0.iter().position(is_given_back);
        found.map(|place| self.0.remove(place)).is_some()
    }

    /// Gives those back that nothing has come through for [`IDLE`].
    pub(in crate::transport::ipc) fn give_back(&mut self) {
        self.0.retain(|known| {
            let is_idle = known.used.elapsed() >= IDLE;
            !(known.depot.is_over() || is_idle && known.give_back())
        });
    }

    /// Takes the message that a frame tells of out of its blocks.
    pub(in crate::transport::ipc) fn take(
        &mut self,
        plan: &BlocksPlan,
        packet: &[u8],
    ) -> io::Result<Message> {
        let place = self.0.iter().position(|known| known.id == plan.depot);
        let place = place.ok_or_else(nonsense)?;
        let known = &mut self.0[place];
        let message = read(&known.depot, plan, packet);
        known.depot.give_back(plan.blocks);
        known.used = Instant::now();
        if known.depot.is_over() {
            self.0.swap_remove(place);
        }
        message
    }
}

impl Known {
    fn new(id: u64, file: Arc<OwnedFd>, depot: Depot) -> Known {
        Known {
            id,
            file,
            depot,
            used: Instant::now(),
        }
    }

    /// Gives the memory back; false if a message is in it.
    fn give_back(&self) -> bool {
        if !self.depot.take_all() {
            return false;
        }
        let bytes = u64::from(self.depot.blocks) * self.depot.block as u64;
        // What cannot be given back now goes with the sender.
        let _ = memory::give_back(&self.file, HEADER as u64, bytes);
        self.depot.close();
        true
    }
}

/// Reads a message. All that the frame says of it is compared with the number of its blocks, which are in
/// the depot, before memory is taken.
fn read(depot: &Depot, plan: &BlocksPlan, packet: &[u8]) -> io::Result<Message> {
    let lengths = plan.splices.checked_mul(size_of::<usize>());
    let lengths = lengths
        .and_then(|lengths| packet.get(..lengths))
        .ok_or_else(nonsense)?;
    let lengths = lengths
        .as_chunks()
        .0
        .iter()
        .map(|it| usize::from_ne_bytes(*it));
    let total = lengths
        .clone()
        .try_fold(plan.head, usize::checked_add)
        .ok_or_else(nonsense)?;
    let is_within = plan.blocks & !depot.all() == 0;
    if !is_within || total > MOST || plan.blocks.count_ones() != depot.blocks_for(total) {
        return Err(nonsense());
    }
    let mut cursor = depot.cursor(plan.blocks);
    let mut head = cursor.read(plan.head)?;
    let splices = lengths
        .map(|length| cursor.read(length))
        .collect::<io::Result<_>>()?;
    if plan.head == 0 {
        head.extend_from_slice(&packet[plan.splices * size_of::<usize>()..]);
    }
    Ok(Message {
        head,
        splices,
        ..Message::default()
    })
}
