//! A journal in a database of its own, so that hours on their way into another one never
//! hold it up; kept for ever.
//!
//! One process has the directory, so the lease is in its memory: whoever in it asks
//! first, holds it. Tokens of another process are none. Nobody asks for the lease of the
//! ledger.

use super::database::Database;
use super::{Durability, Embedded};
use crate::store::fail_point::{self, FailPoint};
use crate::store::journal::{
    Appended, JournalName, Lease, MOST_BYTES_READ, MOST_ENTRIES_READ, NodeId, Piece, Position,
    Tail, Token,
};
use crate::store::{OpenError, StoreError};
use redb::{Error, ReadableDatabase, ReadableTableMetadata, TableDefinition};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Number, from 0 without gaps, to the entry.
pub(super) const ENTRIES: TableDefinition<u64, &[u8]> = TableDefinition::new("entries");
/// Revision of an incident to its place: when it was made known, of which incident, its
/// number.
pub(super) const PLACES: TableDefinition<(i64, u64, u32), &[u8]> = TableDefinition::new("places");
/// Bytes that a database may keep in memory: its end is read again and again, the rest at
/// starts only. Changes of the ledger are few and small.
pub(super) const fn cache_bytes(name: JournalName) -> usize {
    match name {
        JournalName::Incidents => 8 << 20,
        JournalName::Ledger => 1 << 20,
    }
}

/// The file of a journal.
pub(super) fn file_of(name: JournalName) -> String {
    format!("{}.redb", name.name())
}

/// A journal.
#[derive(Debug)]
pub struct Journal {
    pub(super) database: Database,
    length: AtomicU64,
    /// Held while it is asked for or an append is written: who takes it meanwhile, takes
    /// it after that append.
    lease: Mutex<Held>,
}

/// The newest token, and until when nobody else gets one.
#[derive(Debug)]
struct Held {
    number: u64,
    /// None before the first, and once it was given back.
    by: Option<(NodeId, Instant)>,
}

impl Journal {
    /// Opens the database of that journal, or makes an empty one. All of it is looked at:
    /// what is damaged is not found by chance later.
    ///
    /// # Errors
    /// Where it is damaged, or cannot be read or written.
    pub fn open(dir: &Path, name: JournalName, durability: Durability) -> Result<Self, OpenError> {
        let path = dir.join(file_of(name));
        let (database, length) =
            Database::open(&path, durability, cache_bytes(name), |database| {
                if !database.check_integrity()? {
                    return Err(Error::Corrupted("its checksums do not match".into()));
                }
                let txn = database.begin_write()?;
                let length = txn.open_table(ENTRIES)?.len()?;
                if name == JournalName::Incidents {
                    txn.open_table(PLACES)?;
                }
                txn.commit()?;
                Ok(length)
            })?;
        Ok(Self {
            database,
            length: AtomicU64::new(length),
            lease: Mutex::new(Held { number: 0, by: None }),
        })
    }

    /// Entries so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length.load(Ordering::Relaxed)
    }

    /// What follows a position.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn read(&self, from: Position) -> Result<Tail, StoreError> {
        self.database.with(|database| {
            let txn = database.begin_read()?;
            let table = txn.open_table(ENTRIES)?;
            let length = table.len()?;
            if length < from.length {
                return Ok(Tail::Lost);
            }
            let (mut entries, mut bytes) = (Vec::new(), 0);
            for row in table.range(from.length..)?.take(MOST_ENTRIES_READ) {
                let (_, entry) = row?;
                bytes += entry.value().len();
                if MOST_BYTES_READ < bytes && !entries.is_empty() {
                    break;
                }
                entries.push(entry.value().to_vec());
            }
            let end = position(from.length + entries.len() as u64);
            Ok(Tail::Since(Piece { entries, end, more: end.length < length }))
        })
    }

    fn append(
        &self,
        token: Option<Token>,
        expected: Position,
        entries: &[Vec<u8>],
    ) -> Result<Appended, StoreError> {
        let lease = self.lease();
        if token.is_some_and(|token| !lease.is_newest(token)) {
            return Ok(Appended::Fenced);
        }
        let appended = self.database.with(|database| {
            let mut txn = database.begin_write()?;
            // Without it a damaged newest state would be taken for one that was never
            // finished, and entries lost in silence.
            txn.set_two_phase_commit(true);
            {
                let mut table = txn.open_table(ENTRIES)?;
                if table.len()? != expected.length {
                    return Ok(Appended::Behind);
                }
                for (number, entry) in (expected.length..).zip(entries) {
                    table.insert(number, &**entry)?;
                }
            }
            fail_point::reach(FailPoint::BeforeJournalAppend)?;
            txn.commit()?;
            fail_point::pass(FailPoint::JournalAppended);
            Ok(Appended::Yes { end: position(expected.length + entries.len() as u64) })
        })?;
        if let Appended::Yes { end } = appended {
            self.length.store(end.length, Ordering::Relaxed);
        }
        Ok(appended)
    }

    // What a panic leaves is whole: every change is one assignment.
    fn lease(&self) -> MutexGuard<'_, Held> {
        self.lease.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn is_newest(&self, token: Token) -> bool {
        self.number == token.number && self.by.is_some_and(|(holder, _)| holder == token.holder)
    }

    fn take(&mut self, node: NodeId, for_ms: i64, now: Instant) -> Lease {
        match self.by {
            Some((holder, _)) if holder == node => {}
            Some((_, until)) if now < until => {
                return Lease::HeldByOther {
                    for_ms: i64::try_from((until - now).as_millis()).unwrap_or(i64::MAX),
                };
            }
            _ => self.number += 1,
        }
        self.by = Some((node, now + Duration::from_millis(for_ms.unsigned_abs())));
        Lease::Held(Token { number: self.number, holder: node })
    }
}

impl Embedded {
    pub(in crate::store) fn lease(&self, node: NodeId, for_ms: i64) -> Lease {
        self.incidents.lease().take(node, for_ms, Instant::now())
    }

    pub(in crate::store) fn release(&self, token: Token) {
        let mut lease = self.incidents.lease();
        if lease.is_newest(token) {
            lease.by = None;
        }
    }

    fn named(&self, name: JournalName) -> Arc<Journal> {
        Arc::clone(match name {
            JournalName::Incidents => &self.incidents,
            JournalName::Ledger => &self.ledger,
        })
    }

    /// What follows a position of a journal.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn journal(&self, name: JournalName, from: Position) -> Result<Tail, StoreError> {
        let journal = self.named(name);
        run_blocking(move || journal.read(from)).await
    }

    pub(in crate::store) async fn append(
        &self,
        name: JournalName,
        token: Option<Token>,
        expected: Position,
        entries: &[Vec<u8>],
    ) -> Result<Appended, StoreError> {
        let (journal, entries) = (self.named(name), entries.to_vec());
        run_blocking(move || journal.append(token, expected, &entries)).await
    }
}

/// Works where it may wait for the disk.
pub(super) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| StoreError::Unavailable(error.to_string()))?
}

/// Nothing is ever lost here while the process lasts, so the length says all.
const fn position(length: u64) -> Position {
    Position { length, last: 0 }
}
