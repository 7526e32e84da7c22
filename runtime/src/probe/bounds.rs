/// The bounds of a search.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) preemptions: u32,
    pub(super) deaths: u32,
    pub(super) timeouts: u32,
    pub(super) mortal: u32,
    pub(super) expects_timeouts: bool,
}
