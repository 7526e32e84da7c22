//! Files in memory whose contents are fixed: how a frozen value lies in one.
//!
//! ```text
//! magic │ length of the head │ number of splices │ their lengths │ to a multiple of 64 │ head │ splices
//! ```
//!
//! All numbers take 8 bytes. Head and splices are those of an encoded value; bytes that are to be
//! mapped are one splice, and no head.
//!
//! | step | what if the process dies right after it |
//! |---|---|
//! | the file is made | no other process has it: it is gone |
//! | its opening takes the lock that says that there are handles (`thawed.rs`) | likewise |
//! | it is written | likewise |
//! | it is sealed | likewise; only then can there be a handle |
//!
//! A file that arrives is believed to be sealed, and to have as much memory as it is long, because the
//! kernel says so; what is in it is not believed.

#![expect(unsafe_code, reason = "mapped memory is seen as bytes")]

use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Deref;
use std::path::Path;

use crate::codec::{Error, Message, Output};
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::memory::{self, Mapping};
use crate::sys::ofd_lock;

const MAGIC: u64 = u64::from_ne_bytes(*b"mpfrozen");

/// The byte whose lock says that there are handles.
pub(super) const HANDLES: u32 = 0;

/// What the contents are aligned to.
const ALIGNMENT: usize = 64;

const NUMBER: usize = size_of::<u64>();

/// The numbers before the lengths of the splices.
const FIXED: usize = 3;

/// A new sealed file with an encoded value.
pub(super) fn write(output: &Output<'_>) -> io::Result<OwnedFd> {
    let mut splices = output.splices.iter().map(|splice| splice.len());
    let mut start = header(output.head.len(), splices.clone());
    start.extend_from_slice(&output.head);
    let length = splices.try_fold(start.len(), usize::checked_add);
    let file = create(length.ok_or(io::ErrorKind::OutOfMemory)?)?;
    write_all(&file, &start, 0)?;
    let mut end = start.len();
    for splice in &output.splices {
        write_all(&file, splice, end)?;
        end += splice.len();
    }
    memory::seal(file.as_fd())?;
    Ok(file)
}

/// A new sealed file with what is in another one at the moment.
pub(super) fn copy(path: &Path) -> io::Result<OwnedFd> {
    // It might wait for ever to open others.
    check_kind(&fs::metadata(path)?)?;
    let mut source = File::open(path)?;
    let metadata = source.metadata()?;
    check_kind(&metadata)?;
    let too_large = |_| io::Error::from(io::ErrorKind::FileTooLarge);
    let expected = usize::try_from(metadata.len()).map_err(too_large)?;
    let start = header(0, [expected].into_iter()).len();
    let room = start.checked_add(expected);
    let file = create(room.ok_or(io::ErrorKind::FileTooLarge)?)?;
    let mut length = memory::copy_from(&mut source, metadata.len(), &file, start as u64)?;
    if expected == 0 {
        // Files that the kernel makes up say that they are empty.
        length = copy_unknown(&mut source, &file, start)?;
    }
    memory::set_length(&file, start as u64 + length)?;
    let length = usize::try_from(length).map_err(too_large)?;
    write_all(&file, &header(0, [length].into_iter()), 0)?;
    memory::seal(file.as_fd())?;
    Ok(file)
}

fn check_kind(metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.is_file() {
        return Ok(());
    }
    let text = "only a regular file can be frozen: others may have no end";
    Err(io::Error::new(io::ErrorKind::InvalidInput, text))
}

fn copy_unknown(source: &mut File, file: &OwnedFd, offset: usize) -> io::Result<u64> {
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes)?;
    let length = bytes.len() as u64;
    memory::check_file_size_limit(offset as u64 + length)?;
    write_all(file, &bytes, offset)?;
    Ok(length)
}

/// A file that no other process has yet. As long as there is a descriptor of this opening, there are handles.
fn create(length: usize) -> io::Result<OwnedFd> {
    let file = memory::create_unsealed(length)?;
    ofd_lock::try_hold(file.as_fd(), HANDLES)?;
    Ok(file)
}

fn write_all(file: &OwnedFd, mut bytes: &[u8], offset: usize) -> io::Result<()> {
    let mut offset = offset as u64;
    while !bytes.is_empty() {
        let written = memory::write_at(file, bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}

fn header(head: usize, splices: impl Iterator<Item = usize> + Clone) -> Vec<u8> {
    let count = splices.clone().count();
    let lengths = splices.map(|length| length as u64);
    let mut header: Vec<u8> = [MAGIC, head as u64, count as u64]
        .into_iter()
        .chain(lengths)
        .flat_map(u64::to_ne_bytes)
        .collect();
    header.resize(header.len().next_multiple_of(ALIGNMENT), 0);
    header
}

/// What a header says, if that is possible.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// Where the head begins.
    start: usize,
    head: usize,
    splices: Vec<usize>,
}

impl Plan {
    fn read(file: &OwnedFd) -> Result<Plan, Error> {
        let (_, length) = memory::inspect_sealed(file.as_fd()).map_err(Error::display)?;
        let length = usize::try_from(length).map_err(|_| damaged())?;
        let fixed = read_at(file, FIXED * NUMBER, 0)?;
        let count = Plan::count(&fixed, length).ok_or_else(damaged)?;
        let numbers = read_at(file, (FIXED + count) * NUMBER, 0)?;
        Plan::parse(&numbers, length).ok_or_else(damaged)
    }

    /// How many splices there are, if there is room for their lengths.
    fn count(numbers: &[u8], length: usize) -> Option<usize> {
        let count = usize::try_from(*parse(numbers).get(2)?).ok()?;
        let room = length.checked_sub(FIXED * NUMBER)? / NUMBER;
        (count <= room).then_some(count)
    }

    fn parse(numbers: &[u8], length: usize) -> Option<Plan> {
        let numbers = parse(numbers);
        let [magic, head, _, splices @ ..] = &*numbers else {
            return None;
        };
        let lengths = splices.iter().map(|length| usize::try_from(*length).ok());
        let plan = Plan {
            start: (numbers.len() * NUMBER).next_multiple_of(ALIGNMENT),
            head: usize::try_from(*head).ok()?,
            splices: lengths.collect::<Option<_>>()?,
        };
        let parts = plan.splices.iter().chain([&plan.head]);
        let end = parts.copied().try_fold(plan.start, usize::checked_add);
        (*magic == MAGIC && end == Some(length)).then_some(plan)
    }
}

fn parse(numbers: &[u8]) -> Vec<u64> {
    let (numbers, _) = numbers.as_chunks();
    numbers.iter().map(|it| u64::from_ne_bytes(*it)).collect()
}

/// The encoded value in a file.
pub(super) fn read(file: &OwnedFd) -> Result<Message, Error> {
    let plan = Plan::read(file)?;
    let head = read_at(file, plan.head, plan.start)?;
    let mut end = plan.start + plan.head;
    let splices = plan.splices.into_iter().map(|length| {
        let splice = read_at(file, length, end);
        end += length;
        splice
    });
    Ok(Message {
        splices: splices.collect::<Result<_, _>>()?,
        head,
        attachments: Vec::new(),
    })
}

fn read_at(file: &OwnedFd, length: usize, offset: usize) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(Error::display)?;
    while bytes.len() < length {
        let place = (offset + bytes.len()) as u64;
        match memory::read_into(file, &mut bytes, place) {
            Ok(0) => return Err(damaged()),
            Ok(_) => {}
            Err(error) => return Err(Error::display(error)),
        }
    }
    // There may have been room for more.
    bytes.truncate(length);
    Ok(bytes)
}

/// The bytes in a file, where they lie.
#[derive(Debug)]
pub(super) struct Bytes {
    mapping: Mapping,
    start: usize,
    length: usize,
}

impl Bytes {
    pub(super) fn map(file: &OwnedFd) -> Result<Bytes, Error> {
        let plan = Plan::read(file)?;
        let (0, [length]) = (plan.head, &*plan.splices) else {
            return Err(damaged());
        };
        // What is mapped keeps the opening through which it was, and this one says that there are handles.
        let file = memory::reopen(file.as_fd()).map_err(Error::display)?;
        let mapping = Mapping::of_sealed(file.as_fd(), plan.start + length);
        Ok(Bytes {
            mapping: mapping.map_err(Error::display)?,
            start: plan.start,
            length: *length,
        })
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `map` has made sure that the mapping goes so far.
        let start = unsafe { self.mapping.base().add(self.start) };
        // SAFETY: so many bytes are mapped behind `start` as long as `self` is there. The file is sealed: it
        // neither shrinks nor changes, by the kernel's word, whichever processes have it.
        unsafe { std::slice::from_raw_parts(start.as_ptr(), self.length) }
    }
}

#[cold]
fn damaged() -> Error {
    Error::new("a frozen value is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut output = Output::after(Vec::new());
        let value = (7_u8, vec![1.5_f64; 20_000], "text".repeat(30_000));
        output.write(&value).unwrap();
        let file = write(&output).unwrap();
        let mut message = read(&file).unwrap();
        let mut input = message.open_at(0);
        assert_eq!(input.read::<(u8, Vec<f64>, String)>().unwrap(), value);
        input.finish().unwrap();
    }

    #[test]
    fn a_header_that_cannot_be_is_an_error() {
        let header = |numbers: &[u64]| -> Vec<u8> {
            numbers
                .iter()
                .flat_map(|number| number.to_ne_bytes())
                .collect()
        };
        let good = header(&[MAGIC, 5, 2, 6, 7]);
        let plan = Plan {
            start: 64,
            head: 5,
            splices: vec![6, 7],
        };
        assert_eq!(Plan::parse(&good, 64 + 18), Some(plan));
        for (numbers, length) in [
            (&[MAGIC, 5, 2, 6, 7][..], 64 + 17),
            (&[MAGIC + 1, 5, 2, 6, 7], 64 + 18),
            (&[MAGIC, u64::MAX, 2, 6, 7], 64 + 18),
            (&[MAGIC, 5, 2, u64::MAX - 64, 70], 64 + 5),
            (&[MAGIC, 5], 64 + 5),
            (&[], 64),
        ] {
            assert_eq!(Plan::parse(&header(numbers), length), None, "{numbers:?}");
        }
        assert_eq!(Plan::count(&header(&[MAGIC, 0, u64::MAX]), 1 << 20), None);
        assert_eq!(Plan::count(&header(&[MAGIC, 0, 2]), 24 + 16), Some(2));
        assert_eq!(Plan::count(&header(&[MAGIC, 0, 3]), 24 + 16), None);
    }

    #[test]
    fn bytes_are_not_taken_for_a_value_nor_a_value_for_bytes() {
        let mut output = Output::after(Vec::new());
        output.write(&(1, 2)).unwrap();
        assert!(Bytes::map(&write(&output).unwrap()).is_err());
        let null = OwnedFd::from(File::open("/dev/null").unwrap());
        assert!(read(&null).is_err());
        assert!(Bytes::map(&null).is_err());
    }
}
