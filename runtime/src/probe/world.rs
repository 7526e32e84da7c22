use std::ops::Range;

/// What is explored: the memory the actors share, and what there is to do when one dies.
pub(crate) trait World: Send + Sync {
    /// Where the words are that the actors share.
    fn memory(&self) -> Vec<Range<usize>>;

    /// An actor has died. Its thread has left all that it was in.
    fn reap(&self, _actor: usize) {}
}

/// Where the bytes of a value are.
pub(crate) fn bytes_of<T: ?Sized>(value: &T) -> Range<usize> {
    let start = std::ptr::from_ref(value).cast::<u8>().addr();
    start..start + size_of_val(value)
}

/// What one actor does.
pub(crate) type Part<'a, W> = &'a (dyn Fn(&W, usize) + Sync);

/// Who has died in the run that is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dead(pub(super) u32);

impl Dead {
    pub(crate) fn count(self) -> u32 {
        self.0.count_ones()
    }
}
