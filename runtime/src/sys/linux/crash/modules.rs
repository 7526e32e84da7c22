//! Which files some addresses lie in.

use std::ops::Range;

use super::note::Note;

/// A line of the list is read into this. The name of a file may be longer: then it is not noted.
const LINE: usize = 1024;

/// Notes the files that these addresses were mapped from, as the kernel lists them, but for the program.
pub(super) fn note(places: &[usize], program: &Range<u64>, note: &mut Note) {
    let flags = libc::O_RDONLY | libc::O_CLOEXEC;
    // SAFETY: the path ends with a zero.
    let file = unsafe { libc::open(c"/proc/self/maps".as_ptr(), flags) };
    if file < 0 {
        return;
    }
    let mut line = Line {
        bytes: [0; LINE],
        length: 0,
    };
    let mut buffer = [0; LINE];
    loop {
        let (start, length) = (buffer.as_mut_ptr().cast(), buffer.len());
        // SAFETY: the place is valid and that long.
        let read = unsafe { libc::read(file, start, length) };
        let Ok(read @ 1..) = usize::try_from(read) else {
            break;
        };
        for byte in &buffer[..read] {
            if let Some(mapping) = line.add(*byte)
                && !program.contains(&mapping.start)
                && places.iter().any(|place| mapping.contains(*place))
            {
                mapping.note(note);
            }
        }
    }
    // SAFETY: it was opened above.
    unsafe { libc::close(file) };
}

/// A line of the list as far as it is read.
struct Line {
    bytes: [u8; LINE],
    length: usize,
}

impl Line {
    /// Appends a byte; with the last one, says what the line means.
    fn add(&mut self, byte: u8) -> Option<Mapping<'_>> {
        if byte != b'\n' {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = byte;
            }
            self.length += 1;
            return None;
        }
        let length = std::mem::take(&mut self.length);
        Mapping::read(self.bytes.get(..length)?)
    }
}

/// Addresses, and what lies there.
struct Mapping<'l> {
    start: u64,
    end: u64,
    /// Where in the file it begins.
    offset: u64,
    path: &'l [u8],
}

impl Mapping<'_> {
    /// Reads `start-end permissions offset device inode path` (proc(5)).
    fn read(line: &[u8]) -> Option<Mapping<'_>> {
        let mut fields = line.splitn(6, |byte| *byte == b' ');
        let mut addresses = fields.next()?.splitn(2, |byte| *byte == b'-');
        let start = hexadecimal(addresses.next()?)?;
        let end = hexadecimal(addresses.next()?)?;
        let offset = hexadecimal(fields.nth(1)?)?;
        let path = fields.nth(2)?.trim_ascii_start();
        (!path.is_empty()).then_some(Mapping {
            start,
            end,
            offset,
            path,
        })
    }

    fn contains(&self, place: usize) -> bool {
        (self.start..self.end).contains(&(place as u64))
    }

    fn note(&self, note: &mut Note) {
        if note.room() < 4 * size_of::<u64>() + self.path.len() {
            return;
        }
        note.number(self.start);
        note.number(self.end);
        note.number(self.offset);
        note.number(self.path.len() as u64);
        note.bytes(self.path);
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(number << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read() {
        let line = b"7f1c8e000000-7f1c8e022000 r-xp 0002a000 08:01 1234   /usr/lib/a b.so";
        let mapping = Mapping::read(line).unwrap();
        assert_eq!(mapping.start, 0x7f1c_8e00_0000);
        assert_eq!(mapping.end, 0x7f1c_8e02_2000);
        assert_eq!(mapping.offset, 0x2a000);
        assert_eq!(mapping.path, b"/usr/lib/a b.so");
        for line in [
            "",
            "7f-80 rw-p 0 00:00 0",
            "7f-80 rw-p 0 00:00 0 ",
            "g-80 r 0 0 0 /a",
        ] {
            assert!(Mapping::read(line.as_bytes()).is_none(), "{line}");
        }
    }

    #[test]
    fn long_lines_are_left_out_and_the_next_are_read() {
        let mut line = Line {
            bytes: [0; LINE],
            length: 0,
        };
        let long = [
            &b"1-2 r 0 0 0 /"[..],
            &[b'a'; 2 * LINE],
            b"\n1-2 r 0 0 0 /b\n",
        ]
        .concat();
        let mut paths = Vec::new();
        for byte in long {
            paths.extend(line.add(byte).map(|mapping| mapping.path.to_vec()));
        }
        assert_eq!(paths, [b"/b"]);
    }
}
