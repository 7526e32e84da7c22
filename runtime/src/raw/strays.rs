//! What a process writes that goes astray, for tests.

/// The byte at each place.
pub(crate) type Stray = fn(usize) -> u8;

/// Zeros, ones, small numbers in words of eight bytes and of four, and any numbers.
pub(crate) fn strays() -> [Stray; 6] {
    const fn low(number: usize) -> u8 {
        number.to_le_bytes()[0]
    }
    [
        |_| 0,
        |_| 0xff,
        |_| 1,
        |at| if at % 8 == 0 { low(at / 8 % 4) } else { 0 },
        |at| if at % 4 == 0 { low(at / 4 % 5) } else { 0 },
        |at| low(at.wrapping_mul(0x9e37_79b9) >> 11),
    ]
}
