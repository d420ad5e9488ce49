//! The journals: opaque entries that are only ever added, in one order that all nodes see,
//! and never removed; and the lease of the node that may add to the first of them what
//! only one should. What the entries say is for who reads them.

use super::{Kind, Store, StoreError};
use crate::domain::word_enum::word_enum;

/// Bytes of an entry at most.
pub const MOST_ENTRY_BYTES: usize = 4 << 20;
/// Entries that are appended at once at most.
pub const MOST_ENTRIES_APPENDED: usize = 256;
/// Bytes that are appended at once at most.
pub const MOST_BYTES_APPENDED: usize = 8 << 20;
/// Entries that are read at once at most.
pub const MOST_ENTRIES_READ: usize = 1_000;
/// Bytes that are read at once at most: a reply has to come within its time. The largest
/// entry fits.
pub const MOST_BYTES_READ: usize = 4 << 20;
/// A lease lasts at most so long without being renewed.
pub const LONGEST_LEASE_MS: i64 = super::timing::LONGEST_LEASE.as_millis() as i64;
const _: () = assert!(
    MOST_ENTRY_BYTES <= MOST_BYTES_READ && MOST_ENTRY_BYTES <= MOST_BYTES_APPENDED,
    "any entry can be read and appended"
);

/// Which journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalName {
    /// Incidents, and what operators say of them. The lease is of this one.
    Incidents,
    /// Who may do what, and who changed it. Any node appends, without a token: all tokens
    /// are of the other journal, and none is good here.
    Ledger,
}

word_enum!(JournalName: Incidents = "incidents", Ledger = "ledger");

/// Which node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeId(pub u64);

/// The right to append what only one node may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Grows with every holder.
    pub number: u64,
    /// Whose it is. A failover may lose a lease and give its number again: to another
    /// node, whom this tells apart.
    pub holder: NodeId,
}

/// Who has the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// Who asked, with this token.
    Held(Token),
    /// Another node, which may renew it.
    HeldByOther {
        /// How long it still lasts where it is not renewed.
        for_ms: i64,
    },
}

/// How far a journal was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    /// Entries up to here.
    pub length: u64,
    /// Which entry was the last of them, where the store may lose entries and get others
    /// in their place.
    pub(super) last: u64,
}

/// What follows a position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tail {
    /// These entries.
    Since(Piece),
    /// The store has lost entries that were read before: a failover or a restored backup.
    /// All is to be read anew, from [`Position::START`].
    Lost,
}

/// Entries that follow each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The entries, in order.
    pub entries: Vec<Vec<u8>>,
    /// Where they end.
    pub end: Position,
    /// Whether more follow already.
    pub more: bool,
}

/// What became of an append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// The entries are in it, and durable.
    Yes {
        /// Where they end.
        end: Position,
    },
    /// The journal does not end where it was said to: somebody appended since, perhaps
    /// who asked, whose answer was lost. Read on.
    Behind,
    /// The token is not the newest: another node has, or had, the lease.
    Fenced,
}

/// Why nothing is known to be appended.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// More than the bounds allow; nothing was appended.
    #[error("{what} must be at most {most}, got {found}")]
    TooLarge {
        /// What is bounded.
        what: &'static str,
        /// How much there was.
        found: usize,
        /// How much there may be.
        most: usize,
    },
    /// The store failed. The entries are in the journal, all of them, or none is: a
    /// repeated append is [`Appended::Behind`] where they are.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NodeId {
    /// One that no other node has.
    ///
    /// # Errors
    /// Where the system has no random numbers.
    pub fn random() -> Result<Self, StoreError> {
        random().map(Self)
    }
}

impl Position {
    /// Where nothing was read.
    pub const START: Self = Self { length: 0, last: 0 };
}

impl Store {
    /// Takes the lease or renews it, by the store's clock. A node that renews in time, or
    /// before another has taken it, keeps its token.
    ///
    /// # Errors
    /// Where nobody knows; who held it before should not count on it.
    pub async fn lease(&self, node: NodeId, for_ms: i64) -> Result<Lease, StoreError> {
        let for_ms = for_ms.clamp(0, LONGEST_LEASE_MS);
        match &self.kind {
            Kind::Embedded(store) => Ok(store.lease(node, for_ms)),
            Kind::Redis(store) => store.lease(node, for_ms).await,
        }
    }

    /// Gives the lease back, and the token up. A lease that another node holds is left
    /// alone.
    ///
    /// # Errors
    /// Where it could not be given back; it ends by itself.
    pub async fn release(&self, token: Token) -> Result<(), StoreError> {
        match &self.kind {
            Kind::Embedded(store) => {
                store.release(token);
                Ok(())
            }
            Kind::Redis(store) => store.release(token).await,
        }
    }

    /// What follows a position of a journal, at most [`MOST_ENTRIES_READ`] and
    /// [`MOST_BYTES_READ`] at once.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn journal(&self, name: JournalName, from: Position) -> Result<Tail, StoreError> {
        match &self.kind {
            Kind::Embedded(store) => store.journal(name, from).await,
            Kind::Redis(store) => store.journal(name, from).await,
        }
    }

    /// Appends entries, all or none, durably, where that journal still ends at `expected`
    /// and the token, if any is given, is the newest. Without a token it is for entries
    /// that any node may add. No entries are appended as soon as some could be.
    ///
    /// # Errors
    /// Where there are too many, or it is not known whether they were appended.
    pub async fn append(
        &self,
        name: JournalName,
        token: Option<Token>,
        expected: Position,
        entries: &[Vec<u8>],
    ) -> Result<Appended, AppendError> {
        within_bounds(entries)?;
        Ok(match &self.kind {
            Kind::Embedded(store) => store.append(name, token, expected, entries).await?,
            Kind::Redis(store) => store.append(name, token, expected, entries).await?,
        })
    }
}

/// A number that nobody else draws.
pub(super) fn random() -> Result<u64, StoreError> {
    getrandom::u64().map_err(|error| StoreError::Unavailable(error.to_string()))
}

fn within_bounds(entries: &[Vec<u8>]) -> Result<(), AppendError> {
    let longest = entries.iter().map(Vec::len).max().unwrap_or_default();
    let bounds = [
        ("an entry's bytes", longest, MOST_ENTRY_BYTES),
        ("entries of an append", entries.len(), MOST_ENTRIES_APPENDED),
        ("bytes of an append", entries.iter().map(Vec::len).sum(), MOST_BYTES_APPENDED),
    ];
    let over = bounds.into_iter().find(|(_, found, most)| most < found);
    over.map_or(Ok(()), |(what, found, most)| Err(AppendError::TooLarge { what, found, most }))
}
