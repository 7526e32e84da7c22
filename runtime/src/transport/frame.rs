//! The one message type that ipc-channel sees.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ipc_channel::ipc::IpcReceiver;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

/// Heads up to this length stand in the frame itself, longer ones go through the annex.
///
/// A frame must fit one packet, else ipc-channel would take it apart.
pub(super) const INLINE_MAXIMUM: usize = 128 * 1024;

/// The beginning of a message, and all of it when it is short and carries no descriptors.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Frame {
    /// The head if it is short, else empty.
    pub(super) head: Bytes,
    pub(super) annex: Option<AnnexFrame>,
}

/// What is to be expected from the annex.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct AnnexFrame {
    pub(super) socket: IpcReceiver<()>,
    pub(super) plan: Plan,
}

#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) struct Plan {
    /// What the annex begins with, so that a descriptor taken for it can be told from another.
    pub(super) nonce: u64,
    pub(super) attachments: usize,
    /// Bytes of the head; 0 if it stands in the frame.
    pub(super) head: usize,
    pub(super) splices: usize,
}

/// Bytes that ipc-channel's format copies as a whole.
#[derive(Clone)]
pub(super) struct Bytes(pub(super) Arc<Vec<u8>>);

impl Bytes {
    pub(super) fn into_vec(self) -> Vec<u8> {
        Arc::unwrap_or_clone(self.0)
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        struct BytesVisitor;

        impl Visitor<'_> for BytesVisitor {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
                Ok(Bytes(Arc::new(bytes.to_vec())))
            }
        }

        deserializer.deserialize_bytes(BytesVisitor)
    }
}

/// A number that nobody else has just now. It identifies, it does not protect.
pub(super) fn nonce() -> u64 {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    RandomState::new().hash_one(COUNTER.fetch_add(1, Ordering::Relaxed))
}
