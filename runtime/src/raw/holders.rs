/// How many holders there can be: processes that know a region, and messages that carry it.
pub(crate) const HOLDERS: u32 = 256;

/// Who is who among the holders of a region.
pub(crate) trait Holders: Sync {
    /// The number of this process.
    fn me(&self) -> u32;

    /// Whether a holder is still there. A system call.
    fn is_alive(&self, holder: u32) -> bool;

    /// A mark that no other process has or ever had here: the number and how often it was given
    /// out. Neither 0 nor above 31 bits.
    fn mark(&self) -> u32;

    /// Whether the process with this mark is still there. A system call.
    fn is_mark_alive(&self, mark: u32) -> bool;

    /// The number in a mark.
    fn number(&self, mark: u32) -> u32;
}
