//! What the parent wants to hear of.

use serde::{Deserialize, Serialize};

/// The most verbose levels that the parent's loggers take, as numbers: 0 is none, 1 errors, 5 all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Levels {
    #[cfg(feature = "log")]
    pub(crate) log: u8,
    #[cfg(feature = "tracing")]
    pub(crate) tracing: u8,
}

impl Levels {
    /// Those of now; `None` if nothing is wanted.
    pub(super) fn current() -> Option<Levels> {
        let levels = Levels {
            #[cfg(feature = "log")]
            log: log::max_level() as u8,
            #[cfg(feature = "tracing")]
            tracing: tracing_core::LevelFilter::current()
                .into_level()
                .map_or(0, super::description::level_number),
        };
        let most = [
            #[cfg(feature = "log")]
            levels.log,
            #[cfg(feature = "tracing")]
            levels.tracing,
        ];
        most.iter().any(|level| *level > 0).then_some(levels)
    }
}
