//! Attributes of which it is known what they leave as it is.

/// Whether an item with an attribute is there in any case.
pub(super) fn leaves_name(path: &str) -> bool {
    const NAMES: [&str; 9] = [
        "derive",
        "inline",
        "macro_use",
        "multiproc::worker",
        "non_exhaustive",
        "path",
        "repr",
        "serde",
        "worker",
    ];
    !path.starts_with("cfg") && (is_harmless(path) || NAMES.contains(&path))
}

/// Whether an attribute leaves its item as it is.
pub(super) fn is_harmless(path: &str) -> bool {
    const NAMES: [&str; 14] = [
        "allow",
        "automatically_derived",
        "cfg",
        "cfg_attr",
        "deny",
        "deprecated",
        "doc",
        "expect",
        "forbid",
        "multiproc::service",
        "must_use",
        "rustfmt::skip",
        "service",
        "warn",
    ];
    NAMES.contains(&path) || path.starts_with("clippy::") || path.starts_with("diagnostic::")
}
