use super::holders::Holders;

/// A machine that is made where its words are.
///
/// # Safety
///
/// Any bytes are a value of `Self`, as they are of atomic integers.
#[expect(unsafe_code, reason = "machines are made in place")]
pub(crate) unsafe trait Machine: Sync + Sized + 'static {
    /// Makes a machine of zeros, before any other process has it.
    fn init(&self) {}

    /// Takes back what a holder that is gone has taken. A machine that notes nothing under a
    /// holder's number, or finds the dead by their marks, has nothing to do.
    fn wipe(&self, holders: &dyn Holders, holder: u32);
}
