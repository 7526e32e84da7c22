//! The image of the program, as the dynamic loader describes it.

#![expect(
    unsafe_code,
    reason = "the list of loaded images is only to be had from libc"
)]

use std::ffi::{OsString, c_void};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::slice;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// The image that this process runs, also when its file has been replaced.
pub(crate) const EXECUTABLE: &str = "/proc/self/exe";

/// The variables of the environment that this process was executed with, whatever became of it since.
pub(crate) fn environment() -> io::Result<Vec<(OsString, OsString)>> {
    let block = std::fs::read("/proc/self/environ")?;
    let variables = block.split(|byte| *byte == 0).filter_map(|entry| {
        // As std has it, a name may begin with `=`.
        let end = entry.iter().skip(1).position(|byte| *byte == b'=')? + 1;
        let variable = [&entry[..end], &entry[end + 1..]];
        let [key, value] = variable.map(|part| OsString::from_vec(part.to_vec()));
        Some((key, value))
    });
    Ok(variables.collect())
}

/// Whether `address` lies in the program itself, as opposed to a shared library.
///
/// Only the program is sure to be the same in a re-executed process; a library may have been
/// loaded by `dlopen`, and the program knows nothing of it.
pub(crate) fn contains(address: *const ()) -> bool {
    with_program(|program| program.contains(address.addr() as u64))
}

/// What tells one program's image from another: the file it is, and the state it is in.
///
/// A file that is being executed cannot be written to, and the kernel keeps it while any process
/// runs it, so two processes of the same identity at the same time run the same image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageId {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// The identity of the image that this process runs; `None` if `/proc` does not tell.
pub(crate) fn identity() -> Option<ImageId> {
    static IDENTITY: OnceLock<Option<ImageId>> = OnceLock::new();
    let look = || {
        let file = std::fs::metadata(EXECUTABLE).ok()?;
        Some(ImageId {
            device: file.dev(),
            inode: file.ino(),
            size: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
        })
    };
    IDENTITY.get_or_init(look).clone()
}

/// What tells one build of the program from another, wherever its file is: the identifier that the linker
/// made of the contents, or else a number made of what is loaded of the file. `None` if the file cannot be
/// read.
pub(crate) fn build() -> Option<&'static [u8]> {
    static BUILD: OnceLock<Option<Vec<u8>>> = OnceLock::new();
    let look = || {
        let mut build = noted_build().or_else(hash_of_file)?;
        // An identifier can be one that was made up. The sizes of what is loaded go with it.
        let mut hasher = DefaultHasher::new();
        with_program(|program| program.sizes().for_each(|sizes| sizes.hash(&mut hasher)));
        build.extend(hasher.finish().to_ne_bytes());
        Some(build)
    };
    BUILD.get_or_init(look).as_deref()
}

/// The identifier that the linker has left in a note.
fn noted_build() -> Option<Vec<u8>> {
    with_program(|program| {
        let mut notes = program.notes();
        notes.find_map(build_id).map(<[u8]>::to_vec)
    })
}

/// Made of all that is loaded of the program's file.
fn hash_of_file() -> Option<Vec<u8>> {
    let mut file = File::open(EXECUTABLE).ok()?;
    let mut hasher = DefaultHasher::new();
    let mut bytes = vec![0; 1 << 16];
    for (offset, length) in with_program(|program| program.stored().collect::<Vec<_>>()) {
        file.seek(SeekFrom::Start(offset)).ok()?;
        let mut segment = (&mut file).take(length);
        loop {
            match segment.read(&mut bytes).ok()? {
                0 => break,
                read => hasher.write(&bytes[..read]),
            }
        }
    }
    Some(hasher.finish().to_ne_bytes().to_vec())
}

/// How far `address` lies from where the program was loaded; `None` if it is not the program's.
pub(crate) fn distance(address: *const ()) -> Option<u64> {
    let address = address.addr() as u64;
    with_program(|program| {
        program
            .contains(address)
            .then(|| address.wrapping_sub(program.base))
    })
}

/// The address at this distance in the image; `None` if this process runs another one, or if the
/// address is not the program's.
pub(crate) fn find(image: &ImageId, distance: u64) -> Option<*const ()> {
    if identity()? != *image {
        return None;
    }
    with_program(|program| {
        let address = program.base.wrapping_add(distance);
        let inside = program.contains(address);
        let address = usize::try_from(address).ok()?;
        inside.then(|| std::ptr::with_exposed_provenance(address))
    })
}

/// Where the program lies in this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    /// What is added to the addresses in its file.
    pub(crate) bias: u64,
    pub(crate) addresses: std::ops::Range<u64>,
}

/// Where the program lies in this process. It is looked up once, and a clone knows it already if its
/// fork server does.
pub(crate) fn range() -> &'static Range {
    static RANGE: OnceLock<Range> = OnceLock::new();
    let look = |program: &Program<'_>| {
        let segments = || program.segments(libc::PT_LOAD);
        let start = segments().map(|(start, _)| start).min().unwrap_or(0);
        let end = segments()
            .map(|(start, length)| start.wrapping_add(length))
            .max();
        Range {
            bias: program.base,
            addresses: start..end.unwrap_or(0),
        }
    };
    RANGE.get_or_init(|| with_program(look))
}

/// The address at this distance in the image; `None` if no code of the program is there.
pub(crate) fn find_code(distance: u64) -> Option<*const ()> {
    with_program(|program| {
        let address = program.base.wrapping_add(distance);
        let inside = program.contains_code(address);
        let address = usize::try_from(address).ok()?;
        inside.then(|| std::ptr::with_exposed_provenance(address))
    })
}

/// The table of the program's constructors: where it begins and how many bytes it has.
///
/// `None` if the program is linked so that it needs no loader at all.
pub(crate) fn init_array() -> Option<(*const (), usize)> {
    const DT_NULL: u64 = 0;
    const DT_INIT_ARRAY: u64 = 25;
    const DT_INIT_ARRAYSZ: u64 = 27;

    with_program(|program| {
        let (dynamic, length) = program.segments(libc::PT_DYNAMIC).next()?;
        let entries = usize::try_from(length).ok()? / size_of::<[u64; 2]>();
        let dynamic = std::ptr::with_exposed_provenance::<[u64; 2]>(usize::try_from(dynamic).ok()?);
        // SAFETY: the segment is loaded and holds pairs of a tag and a value (gABI, "Dynamic
        // Section").
        let dynamic = unsafe { slice::from_raw_parts(dynamic, entries) };
        let value = |wanted| {
            let mut entries = dynamic.iter().take_while(|[tag, _]| *tag != DT_NULL);
            entries
                .find(|[tag, _]| *tag == wanted)
                .map(|[_, value]| *value)
        };
        let start = program.base.wrapping_add(value(DT_INIT_ARRAY)?);
        let length = usize::try_from(value(DT_INIT_ARRAYSZ)?).ok()?;
        let last = start.wrapping_add(length as u64).wrapping_sub(1);
        let inside = program.contains(start) && program.contains(last);
        let start = std::ptr::with_exposed_provenance(usize::try_from(start).ok()?);
        inside.then_some((start, length))
    })
}

/// The main program's headers.
struct Program<'a> {
    base: u64,
    headers: &'a [libc::Elf64_Phdr],
}

impl Program<'_> {
    fn contains(&self, address: u64) -> bool {
        self.segments(libc::PT_LOAD)
            .any(|(start, length)| (start..start.wrapping_add(length)).contains(&address))
    }

    fn contains_code(&self, address: u64) -> bool {
        self.headers
            .iter()
            .filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_X != 0)
            .any(|header| {
                let (start, length) = self.place(header);
                (start..start.wrapping_add(length)).contains(&address)
            })
    }

    /// Start and length of each segment of a type.
    fn segments(&self, kind: u32) -> impl Iterator<Item = (u64, u64)> {
        self.headers
            .iter()
            .filter(move |header| header.p_type == kind)
            .map(|header| self.place(header))
    }

    /// What tools and the linker have left notes in.
    fn notes(&self) -> impl Iterator<Item = &[u8]> {
        self.segments(libc::PT_NOTE).filter_map(|(start, length)| {
            let last = start.wrapping_add(length).wrapping_sub(1);
            if !self.contains(start) || !self.contains(last) {
                return None;
            }
            let start = std::ptr::with_exposed_provenance::<u8>(usize::try_from(start).ok()?);
            // SAFETY: what is between these places of the program is loaded with it, for as long as it
            // runs, and notes are not written to.
            Some(unsafe { slice::from_raw_parts(start, usize::try_from(length).ok()?) })
        })
    }

    /// Sizes and places of all segments.
    fn sizes(&self) -> impl Iterator<Item = [u64; 4]> {
        self.headers.iter().map(|header| {
            [
                header.p_offset,
                header.p_vaddr,
                header.p_filesz,
                header.p_memsz,
            ]
        })
    }

    /// Where what is loaded stands in the file, and how much there is.
    fn stored(&self) -> impl Iterator<Item = (u64, u64)> {
        self.headers
            .iter()
            .filter(|header| header.p_type == libc::PT_LOAD)
            .map(|header| (header.p_offset, header.p_filesz))
    }

    /// Start and length of a segment.
    fn place(&self, header: &libc::Elf64_Phdr) -> (u64, u64) {
        (self.base.wrapping_add(header.p_vaddr), header.p_memsz)
    }
}

/// The contents of the note of this type, among notes (gABI, "Note Section"; it is the linker's).
fn build_id(notes: &[u8]) -> Option<&[u8]> {
    const NT_GNU_BUILD_ID: u32 = 3;

    let mut rest = notes;
    loop {
        let (header, content) = rest.split_first_chunk::<12>()?;
        let number = |at: usize| {
            u32::from_ne_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let name_length = usize::try_from(number(0)).ok()?;
        let length = usize::try_from(number(4)).ok()?;
        let (name, content) = content.split_at_checked(name_length.checked_next_multiple_of(4)?)?;
        if number(8) == NT_GNU_BUILD_ID && name == b"GNU\0" && length > 0 {
            return content.get(..length);
        }
        rest = content.get(length.checked_next_multiple_of(4)?..)?;
    }
}

fn with_program<R>(mut look: impl FnMut(&Program<'_>) -> R) -> R {
    let mut result = None;
    let mut visit = |program: &Program<'_>| result = Some(look(program));
    walk(&mut visit);
    result.unwrap_or_else(|| {
        look(&Program {
            base: 0,
            headers: &[],
        })
    })
}

type Visit<'a> = &'a mut dyn FnMut(&Program<'_>);

fn walk(mut visit: Visit<'_>) {
    unsafe extern "C" fn callback(
        info: *mut libc::dl_phdr_info,
        _: usize,
        data: *mut c_void,
    ) -> libc::c_int {
        // SAFETY: `data` is what was passed below, a `Visit` that is alive during the call.
        let visit = unsafe { &mut *data.cast::<Visit<'_>>() };
        // SAFETY: libc passes a valid description of one image (dl_iterate_phdr(3)).
        let info = unsafe { &*info };
        // SAFETY: the description's header table has this address and length.
        let headers = unsafe { slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()) };
        visit(&Program {
            base: info.dlpi_addr,
            headers,
        });
        // The first image is the program; a value other than 0 ends the walk.
        1
    }
    let data: *mut Visit<'_> = &raw mut visit;
    // SAFETY: the callback matches the declared type, and `data` outlives the call.
    unsafe { libc::dl_iterate_phdr(Some(callback), data.cast()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_contains_its_functions_and_not_libcs() {
        assert!(contains(contains as *const ()));
        assert!(!contains(libc::getpid as *const ()));
        assert!(!contains(std::ptr::null()));
    }

    static DATA: u8 = 7;

    #[test]
    fn code_is_found_where_there_is_some() {
        let code = contains as *const ();
        let distance = distance(code).unwrap();
        assert_eq!(find_code(distance), Some(code));
        let data = super::distance((&raw const DATA).cast()).unwrap();
        assert_eq!(find_code(data), None);
        assert_eq!(find_code(u64::MAX), None);
    }

    #[test]
    fn a_build_is_known_by_its_note_or_its_contents() {
        let build = build().unwrap();
        let noted = noted_build();
        if let Some(noted) = noted {
            assert_eq!(build.strip_prefix(&*noted).map(<[u8]>::len), Some(8));
        }
        let hash = hash_of_file().unwrap();
        assert_eq!(hash_of_file(), Some(hash));
    }

    #[test]
    fn a_note_is_found_among_others() {
        let note = |kind: u32, name: &[u8], content: &[u8]| {
            let mut note = Vec::new();
            for number in [name.len(), content.len()] {
                note.extend(u32::try_from(number).unwrap().to_ne_bytes());
            }
            note.extend(kind.to_ne_bytes());
            for part in [name, content] {
                note.extend(part);
                note.resize(note.len().next_multiple_of(4), 0);
            }
            note
        };
        let mut notes = note(1, b"GNU\0", &[0; 16]);
        notes.extend(note(3, b"Other\0", b"no"));
        assert_eq!(build_id(&notes), None);
        notes.extend(note(3, b"GNU\0", b"abcde"));
        assert_eq!(build_id(&notes), Some(&b"abcde"[..]));
        for length in 0..notes.len() - 3 {
            assert_eq!(build_id(&notes[..length]), None, "{length}");
        }
        assert_eq!(build_id(&[0xff; 64]), None);
    }

    #[test]
    fn the_program_has_constructors() {
        let (start, length) = init_array().unwrap();
        assert!(contains(start));
        assert!(length >= size_of::<usize>());
    }
}
