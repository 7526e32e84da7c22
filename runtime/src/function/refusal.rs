//! Types that mean something in one process only, where functions are values.
//!
//! The attribute asks about each type that a worker takes or returns, and the answer is a compile error
//! ([`verdict`](crate::verdict)). Here the types are parameters, of which the compiler knows nothing but that
//! serde takes them. What they are is known when the program runs, by the names that it has for them.

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::rc::Rc;
use std::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16,
    AtomicU32, AtomicU64, AtomicUsize,
};
use std::sync::{Arc, Mutex, RwLock};

use crate::verdict::{Judge, Refused};

/// Why no process can run a function from `A` to `R`, if it takes or returns what serde copies.
pub(super) fn refusal<A, R>() -> Option<String> {
    let found = |verb, name| {
        let (path, refused) = refused_in(name)?;
        let short = path.rsplit("::").next().unwrap_or_default();
        Some(format!("it {verb} `{short}`: {refused}"))
    };
    found("takes", type_name::<A>()).or_else(|| found("returns", type_name::<R>()))
}

/// The first type in the name of another that is refused, unless what is around it may know better.
fn refused_in(name: &str) -> Option<(&str, Refused)> {
    // Nearly all have none of these.
    if !["Mutex", "RwLock", "Cell", "Atomic"]
        .iter()
        .any(|part| name.contains(part))
    {
        return None;
    }
    // Whether what is around is as good as what is inside.
    let mut around = Vec::new();
    let mut start = 0;
    for (end, mark) in name.char_indices().chain([(name.len(), ' ')]) {
        if !matches!(mark, '<' | '>' | '(' | ')' | '[' | ']' | ',' | ';' | ' ') {
            continue;
        }
        let path = &name[start..end];
        start = end + mark.len_utf8();
        let refused = verdict(path).filter(|_| around.iter().all(|open| *open));
        if let Some(refused) = refused {
            return Some((path, refused));
        }
        match mark {
            '<' => around.push(is_container(path)),
            '(' | '[' => around.push(true),
            // The arrow of a function pointer closes nothing.
            '>' if path == "-" => {}
            '>' | ')' | ']' => {
                around.pop();
            }
            _ => {}
        }
    }
    None
}

/// The verdict on the type of this path, of those that serde takes.
fn verdict(path: &str) -> Option<Refused> {
    macro_rules! of {
        ($($Type:ty)*) => {
            [$((path_of::<$Type>(), <Judge<$Type>>::VERDICT)),*]
        };
    }
    let refused = of! {
        Mutex<()> RwLock<()> Cell<()> RefCell<()>
        AtomicBool AtomicI8 AtomicI16 AtomicI32 AtomicI64 AtomicIsize
        AtomicU8 AtomicU16 AtomicU32 AtomicU64 AtomicUsize
    };
    refused
        .into_iter()
        .find_map(|(known, refused)| (known == path).then_some(refused))
}

/// Whether a type of this path is as good as what is inside.
fn is_container(path: &str) -> bool {
    [
        path_of::<Arc<()>>(),
        path_of::<BTreeMap<(), u8>>(),
        path_of::<BTreeSet<()>>(),
        path_of::<BinaryHeap<()>>(),
        path_of::<Box<()>>(),
        path_of::<HashMap<(), u8>>(),
        path_of::<HashSet<()>>(),
        path_of::<LinkedList<()>>(),
        path_of::<Option<()>>(),
        path_of::<Rc<()>>(),
        path_of::<Result<(), ()>>(),
        path_of::<Vec<()>>(),
        path_of::<VecDeque<()>>(),
    ]
    .contains(&path)
}

/// The name of a type, without its parameters.
fn path_of<T>() -> &'static str {
    let name = type_name::<T>();
    name.split_once('<').map_or(name, |(path, _)| path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shm::Shared;
    use crate::sync;

    fn is_refused<T>() -> bool {
        refused_in(type_name::<T>()).is_some()
    }

    #[test]
    fn what_serde_copies_is_found_in_all_that_holds_it() {
        assert!(is_refused::<Mutex<u64>>());
        assert!(is_refused::<Arc<RwLock<Vec<u64>>>>());
        assert!(is_refused::<(u8, Option<AtomicU64>)>());
        assert!(is_refused::<[Cell<u8>; 3]>());
        assert!(is_refused::<HashMap<String, Vec<RefCell<String>>>>());
        assert!(is_refused::<Result<(fn(u8) -> u8, u8), AtomicBool>>());
        assert!(is_refused::<Vec<(Shared<AtomicU64>, AtomicU8)>>());
    }

    #[test]
    fn what_processes_share_is_not_refused() {
        struct MutexCell<T>(T);
        assert!(!is_refused::<u64>());
        assert!(!is_refused::<Shared<AtomicU64>>());
        assert!(!is_refused::<Vec<(Shared<[AtomicU64]>, sync::Mutex<u64>)>>());
        assert!(!is_refused::<sync::RwLock<u8>>());
        assert!(!is_refused::<MutexCell<u8>>());
        // It may know better.
        assert!(!is_refused::<MutexCell<AtomicU8>>());
    }

    #[test]
    fn the_reason_says_what_to_write() {
        let text = refusal::<(u8, Mutex<u64>), ()>().unwrap();
        assert!(text.starts_with("it takes `Mutex`: its process would lock a copy of its own"));
        assert!(text.contains("`multiproc::sync::Mutex`"));
        assert!(!text.contains('\n'));
        let text = refusal::<u8, AtomicU8>().unwrap();
        assert!(text.starts_with("it returns `AtomicU8`: "), "{text}");
        assert_eq!(refusal::<u8, u8>(), None);
    }
}
