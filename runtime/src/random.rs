//! Numbers that look random, for tests.

/// xorshift64*: the same sequence in every run. The seed is not 0.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A place in something of this length, and 0 if that is empty.
    pub(crate) fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % length.max(1)
    }
}
