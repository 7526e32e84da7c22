//! What each item says of itself.

/// What is in a slot, before the bytes of a short item.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct ItemRecord {
    /// A [`Storage`].
    pub(super) place: u32,
    pub(super) splices: u32,
    pub(super) attachments: u32,
    /// Bytes of the head, and of all: the lengths of the splices, the head, the splices.
    pub(super) head: u64,
    pub(super) length: u64,
    /// Where the items in the areas ended with this one.
    pub(super) warm: u64,
    pub(super) cold: u64,
    /// The number of its first batch of descriptors.
    pub(super) parcel: u64,
}

/// Items of so many bytes take some microseconds to be written and read.
const LONG: u64 = 32 * 1024;

impl ItemRecord {
    pub(super) fn is_long(&self) -> bool {
        self.length >= LONG
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Storage {
    Slot = 1,
    Warm = 2,
    Cold = 3,
}

impl Storage {
    pub(super) fn from_number(number: u32) -> Option<Storage> {
        [Storage::Slot, Storage::Warm, Storage::Cold]
            .into_iter()
            .find(|place| *place as u32 == number)
    }
}
