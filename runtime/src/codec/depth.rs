use super::Error;

/// How many values of others a value can be inside of.
///
/// Each level costs stack, in debug builds up to ten kilobytes and more, and what arrives is read on
/// whatever thread asks for it. So it must fit into the stack of any thread of std, 2 MiB, and leave
/// half of it to the user. (`serde_json` reads as many.)
pub(super) const DEEPEST: u16 = 128;

/// What a level counts: a sequence, map, struct or variant.
pub(super) const CONTAINER: u16 = 4;
/// An option or newtype, which takes less.
pub(super) const WRAPPER: u16 = 1;

/// How deep inside of others the value is that is being written or read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Depth(u16);

impl Depth {
    /// Whether half of all levels are left.
    pub(super) fn is_shallow(self) -> bool {
        self.0 <= DEEPEST * CONTAINER / 2
    }

    /// Goes a level deeper. Gives what was, to be put back when the level is left.
    #[inline]
    pub(super) fn enter(&mut self, level: u16) -> Result<Depth, Error> {
        let outside = *self;
        if outside.0 + level > DEEPEST * CONTAINER {
            return Err(too_deep());
        }
        self.0 = outside.0 + level;
        Ok(outside)
    }
}

#[cold]
fn too_deep() -> Error {
    Error::new(format!(
        "a value is nested more than {DEEPEST} levels deep: send it in another form, for example as \
         a list"
    ))
}
