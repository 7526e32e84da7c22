//! The names of runs and tasks.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use std::time::SystemTime;

/// One submitter: what it submits from its connection to its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RunId {
    /// Whose it is, as the server's permissions have it.
    pub(crate) owner: Arc<str>,
    /// What no other run has.
    pub(crate) run: Arc<str>,
}

/// One task of a run, or several that are sent together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TaskId {
    pub(crate) run: RunId,
    /// The map that it is of; 0 if it is of none.
    pub(crate) job: u64,
    pub(crate) number: u64,
}

impl RunId {
    pub(crate) fn new(owner: &str, run: &str) -> RunId {
        RunId {
            owner: owner.into(),
            run: run.into(),
        }
    }
}

impl TaskId {
    /// Reads what `Display` wrote.
    pub(crate) fn parse(text: &str) -> Option<TaskId> {
        let mut parts = text.split('.');
        let run = RunId::new(parts.next()?, parts.next()?);
        let job = parts.next()?.parse().ok()?;
        let number = parts.next()?.parse().ok()?;
        parts
            .next()
            .is_none()
            .then_some(TaskId { run, job, number })
    }

    /// What is too long for a message, under names that nothing else has.
    pub(crate) fn blob(&self, what: &str) -> String {
        format!("{}-{}-{}-{what}", self.run.run, self.job, self.number)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.owner, self.run)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TaskId { run, job, number } = self;
        write!(f, "{run}.{job}.{number}")
    }
}

/// Whether a name can be a part of a subject, as it is.
pub(crate) fn is_word(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// A name that no other has, in this process or another.
pub(crate) fn unique() -> String {
    format!("{:016x}{:016x}", random(), random())
}

/// A number from 0 to 1.
pub(crate) fn chance() -> f64 {
    f64::from((random() >> 32) as u32) / f64::from(u32::MAX)
}

fn random() -> u64 {
    // The keys of two states differ within a process, and are random between processes.
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u32(std::process::id());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    hasher.write_u128(now.map(|now| now.as_nanos()).unwrap_or_default());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written() {
        let id = TaskId {
            run: RunId::new("alice", &unique()),
            job: 3,
            number: u64::MAX,
        };
        assert_eq!(TaskId::parse(&id.to_string()), Some(id));
        for text in ["", "a", "a.b.c.d", "a.b.1", "a.b.1.2.3", "a.b.-1.2"] {
            assert_eq!(TaskId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn names_differ() {
        assert_ne!(unique(), unique());
        assert!(is_word(&unique()));
        assert!(!is_word("a.b") && !is_word("") && !is_word("*") && !is_word(">"));
    }
}
