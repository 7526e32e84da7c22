//! One of the functions that were running.

/// A function that was running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// Where in its file, or in the process if the file is not known.
    pub(super) address: u64,
    pub(super) function: Option<String>,
    pub(super) file: Option<String>,
    pub(super) line: Option<u32>,
    /// The shared library that it belongs to.
    pub(super) module: Option<String>,
}

impl Frame {
    pub(super) fn unknown(address: u64, module: Option<&str>) -> Frame {
        Frame {
            address,
            function: None,
            file: None,
            line: None,
            module: module.map(str::to_owned),
        }
    }
}
