//! Types that need no question, known by name.

use syn::Type;

use super::model::ungrouped;

/// Whether this is spelt as a type without parameters that is the same in every process.
pub(super) fn is_plain(ty: &Type) -> bool {
    let Type::Path(ty) = ungrouped(ty) else {
        return false;
    };
    let last = ty.path.segments.last();
    last.is_some_and(|last| PLAIN.iter().any(|name| last.ident == name))
}

const PLAIN: [&str; 25] = [
    "bool",
    "char",
    "f32",
    "f64",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "str",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "CStr",
    "CString",
    "Duration",
    "OsStr",
    "Path",
    "PathBuf",
    "RemoteError",
    "String",
];
