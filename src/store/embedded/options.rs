//! How a directory is opened.

use crate::store::upgrade::Older;

/// What an operator may choose.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// A snapshot is made once the log has grown to this, or to the size of the last
    /// snapshot where that is more.
    pub snapshot_log_bytes: u64,
    /// Whether what is written is waited for.
    pub durability: Durability,
    /// What becomes of a store of an older format.
    pub older: Older,
}

/// Whether what is written is waited for until it is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A recorded report survives a power loss.
    Synced,
    /// Only the process keeps it: for a store that nobody needs after it, like that of a
    /// replay.
    Unsynced,
    /// Nothing is written, and the directory stays as it was to the byte: for a store
    /// that is only read. It must be there.
    Discarded,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            snapshot_log_bytes: 128 << 20,
            durability: Durability::Synced,
            older: Older::Refused,
        }
    }
}
