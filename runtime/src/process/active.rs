use super::monitor::ProcessMonitor;

/// A child process that is running. Returned by [`active_children`].
///
/// # Examples
///
/// ```
/// for child in multiproc::active_children() {
///     println!("{} {}", child.id(), child.name());
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildInfo {
    id: u32,
    name: String,
}

impl ChildInfo {
    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Returns the name of the process: its worker's, unless [`Call::name`](crate::Call::name) gave
    /// another.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Returns the running child processes of this process, oldest first.
///
/// Only children started through this library are listed. Children whose
/// [`Process`](crate::Process) was dropped are listed until they end.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn wait_for_ever() {
///     loop {
///         std::thread::park();
///     }
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let process = wait_for_ever::spawn()?;
/// let children = multiproc::active_children();
/// assert_eq!(children[0].id(), process.id());
/// assert_eq!(children[0].name(), "wait_for_ever");
/// process.kill();
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn active_children() -> Vec<ChildInfo> {
    ProcessMonitor::children()
        .into_iter()
        .map(|child| ChildInfo {
            id: child.id(),
            name: child.name().to_owned(),
        })
        .collect()
}
