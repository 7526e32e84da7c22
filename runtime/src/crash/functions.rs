//! Which function an address belongs to, by the debug information or the symbols of a file.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use addr2line::{Loader, demangle_auto};
use object::{Object, ObjectSegment, ReadCache};

use super::frame::Frame;
use super::report::{Event, Module, Places};
use crate::sys::image::EXECUTABLE;

/// How many files' debug information a thread keeps at most for the next crash.
const KEPT: usize = 8;

/// The functions at the places that were noted, the innermost first.
pub(super) fn find(event: &Event, places: &Places) -> Vec<Frame> {
    let calls = places.addresses.iter().enumerate();
    calls
        .flat_map(|(depth, address)| {
            // A return address is behind the call, and may be another line's, or another function's.
            let address = if depth == 0 {
                *address
            } else {
                address.saturating_sub(1)
            };
            find_one(event, &places.modules, address)
        })
        .collect()
}

/// The function at an address, and those that it was inlined into.
fn find_one(event: &Event, modules: &[Module], address: u64) -> Vec<Frame> {
    let (path, name, offset) = if event.program.addresses.contains(&address) {
        (Path::new(EXECUTABLE), None, None)
    } else {
        let Some(module) = modules.iter().find(|it| it.addresses.contains(&address)) else {
            return vec![Frame::unknown(address, None)];
        };
        let name = module.path.file_name().and_then(|name| name.to_str());
        let offset = address - module.addresses.start + module.offset;
        (module.path.as_path(), name, Some(offset))
    };
    with_file(path, |file| {
        let in_file = |file: &ObjectFile| match offset {
            Some(offset) => file.address(offset),
            None => Some(address.wrapping_sub(event.program.bias)),
        };
        file.and_then(|file| Some(file.frames(in_file(file)?, name)))
            .unwrap_or_else(|| vec![Frame::unknown(address, name)])
    })
}

/// A file with functions.
struct ObjectFile {
    loader: Loader,
    segments: Vec<Segment>,
}

/// A part of a file that is mapped together.
struct Segment {
    /// Where in the file.
    offset: u64,
    length: u64,
    /// Its address, as the file has it.
    address: u64,
}

impl ObjectFile {
    fn open(path: &Path) -> Option<ObjectFile> {
        let cache = ReadCache::new(File::open(path).ok()?);
        let segments = object::File::parse(&cache).ok()?;
        let segments = segments.segments().map(|segment| {
            let (offset, length) = segment.file_range();
            Segment {
                offset,
                length,
                address: segment.address(),
            }
        });
        Some(ObjectFile {
            segments: segments.collect(),
            loader: Loader::new(path).ok()?,
        })
    }

    /// The address of what stands at an offset.
    fn address(&self, offset: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let distance = offset.checked_sub(segment.offset)?;
            (distance < segment.length).then_some(segment.address + distance)
        })
    }

    /// The function at an address, and those that it was inlined into.
    fn frames(&self, address: u64, module: Option<&str>) -> Vec<Frame> {
        let mut frames = Vec::new();
        if let Ok(mut found) = self.loader.find_frames(address) {
            while let Ok(Some(frame)) = found.next() {
                let function = frame.function.and_then(|function| {
                    let name = function.demangle().ok()?;
                    Some(name.into_owned())
                });
                let location = frame.location.as_ref();
                frames.push(Frame {
                    function,
                    file: location.and_then(|it| it.file).map(str::to_owned),
                    line: location.and_then(|it| it.line),
                    ..Frame::unknown(address, module)
                });
            }
        }
        if frames.is_empty() {
            frames.push(Frame::unknown(address, module));
        }
        // What is not inlined has a symbol, in which the name is whole; in debug information that has no
        // more than lines, it is without its module.
        if let (Some(last), Some(symbol)) = (frames.last_mut(), self.loader.find_symbol(address)) {
            last.function = Some(demangle_auto(symbol.into(), None).into_owned());
        }
        frames
    }
}

/// Uses a file, which is kept for the next time.
fn with_file<R>(path: &Path, use_it: impl FnOnce(Option<&ObjectFile>) -> R) -> R {
    thread_local! {
        /// What cannot be read is remembered too. (A loader cannot be shared between threads.)
        static FILES: RefCell<HashMap<PathBuf, Option<ObjectFile>>> = RefCell::default();
    }
    FILES.with_borrow_mut(|files| {
        if files.len() == KEPT && !files.contains_key(path) {
            files.clear();
        }
        let file = files
            .entry(path.to_owned())
            .or_insert_with(|| ObjectFile::open(path));
        use_it(file.as_ref())
    })
}
