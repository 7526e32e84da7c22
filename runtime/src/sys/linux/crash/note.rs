//! A note being written, in memory that is there already.

/// What stands in a packet before a note of this length, and how long that is.
pub(crate) type Preface = fn(usize) -> ([u8; PREFACE], usize);

/// No preface is longer.
pub(crate) const PREFACE: usize = 32;

/// How long a note is at most.
const LENGTH: usize = 8 << 10;

/// How long the name of a thread is, with the zero behind it.
pub(super) const NAME: usize = 16;

/// Bytes behind room for a preface. What does not fit is left out.
pub(super) struct Note {
    bytes: [u8; PREFACE + LENGTH],
    end: usize,
}

impl Note {
    pub(super) fn new() -> Note {
        Note {
            bytes: [0; PREFACE + LENGTH],
            end: PREFACE,
        }
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes(&[byte]);
    }

    pub(super) fn number(&mut self, number: u64) {
        self.bytes(&number.to_ne_bytes());
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        let end = self.end + bytes.len();
        if let Some(place) = self.bytes.get_mut(self.end..end) {
            place.copy_from_slice(bytes);
            self.end = end;
        }
    }

    /// How much more fits.
    pub(super) fn room(&self) -> usize {
        self.bytes.len() - self.end
    }

    /// The note behind its preface.
    pub(super) fn packet(&mut self, preface: Preface) -> &[u8] {
        let (preface, length) = preface(self.end - PREFACE);
        let length = length.min(PREFACE);
        let start = PREFACE - length;
        self.bytes[start..PREFACE].copy_from_slice(&preface[..length]);
        &self.bytes[start..self.end]
    }
}
