//! What the parent wants to hear of.

use serde::{Deserialize, Serialize};

/// The most verbose levels that the parent's loggers take, as numbers: 0 is none, 1 errors, 5 all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Levels {
    #[cfg(feature = "log")]
    pub(crate) log: u8,
}

impl Levels {
    /// Those of now; `None` if nothing is wanted.
    pub(super) fn current() -> Option<Levels> {
        let levels = Levels {
            #[cfg(feature = "log")]
            log: log::max_level() as u8,
        };
        levels.is_something().then_some(levels)
    }

    fn is_something(self) -> bool {
        let mut is_something = false;
        #[cfg(feature = "log")]
        {
            is_something |= self.log > 0;
        }
        is_something
    }
}
