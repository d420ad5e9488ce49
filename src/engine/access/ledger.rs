//! The ledger: read to its end, and appended to where it ends, again and again until
//! nobody was quicker. For servers, and for a command line that has a store and no engine.

use crate::domain::access::entry::{Actor, Change, Entry};
use crate::domain::access::key::{KeyId, KeyRecord, NewKey};
use crate::domain::access::scope::Scope;
use crate::domain::access::source::{NewSource, SourceChange, SourceRecord};
use crate::domain::access::table::{AccessTable, Conflict, KnownKey};
use crate::domain::fact::Source;
use crate::domain::privacy::asked::AskedRule;
use crate::domain::privacy::rule::Rule;
use crate::domain::time::Timestamp;
use crate::store::journal::{AppendError, Appended, JournalName, Position, Tail};
use crate::store::{Store, StoreError};
use crate::wire::key_text::{KeyText, RANDOM_BYTES};
use crate::wire::ledger::{from_bytes, to_bytes};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Entries of an audit that are given at most.
pub const MOST_AUDITED: usize = 10_000;
/// How often a change is tried again where another entry came first.
const TRIES: usize = 64;

/// What was read of the ledger.
#[derive(Debug)]
pub struct Ledger {
    /// The lock is held to copy or replace the pointer.
    read: RwLock<Read>,
    /// When this was made, and how many milliseconds later the ledger was read last.
    made: Instant,
    read_ms: AtomicU64,
}

/// How far it was read, and what it says.
#[derive(Debug, Clone, Default)]
struct Read {
    table: Arc<AccessTable>,
    position: Position,
}

/// Why a change was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Of no source that is known; or a key that reports would belong to nobody.
    #[error("no source {number}", number = .0.0)]
    UnknownSource(Source),
    /// Of no key that is known.
    #[error("no key {0}")]
    UnknownKey(KeyId),
    /// Something else is in its way.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// A key that was revoked is not replaced.
    #[error("key {0} was revoked: create another")]
    Revoked(KeyId),
    /// A key is replaced once.
    #[error("key {key} was replaced by {by}: rotate that one")]
    Replaced {
        /// Which.
        key: KeyId,
        /// The key that took its place.
        by: KeyId,
    },
    /// Readers may see other than a start asks for.
    #[error(
        "the store was set to {chosen} for what readers may see, and this start asks for {}",
        asked.of(*chosen)
    )]
    PrivacyDiffers {
        /// What was chosen.
        chosen: Rule,
        /// What is asked for.
        asked: AskedRule,
    },
    /// The ledger could not be read, or there are no random numbers.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store did not take it.
    #[error(transparent)]
    Append(#[from] AppendError),
}

impl Default for Ledger {
    fn default() -> Self {
        Self { read: RwLock::default(), made: Instant::now(), read_ms: AtomicU64::new(0) }
    }
}

impl Ledger {
    /// How long ago it was read to its end.
    #[must_use]
    pub fn age(&self) -> Duration {
        let read = Duration::from_millis(self.read_ms.load(Ordering::Relaxed));
        self.made.elapsed().saturating_sub(read)
    }

    /// All that it says, as far as it was read.
    #[must_use]
    pub fn table(&self) -> Arc<AccessTable> {
        self.known().table
    }

    /// Reads it to its end.
    ///
    /// # Errors
    /// Where it cannot be read: what was read before stays.
    pub async fn read(&self, store: &Store) -> Result<Arc<AccessTable>, StoreError> {
        self.read_on(store).await.map(|read| read.table)
    }

    /// Creates a source, with the next number.
    ///
    /// # Errors
    /// Where its name is taken, no number is left, or it could not be recorded.
    pub async fn create_source(
        &self,
        store: &Store,
        at: Timestamp,
        by: Actor,
        new: NewSource,
    ) -> Result<SourceRecord, AccessError> {
        let decide = |table: &AccessTable| {
            is_free(table, &new.name, None)?;
            let source = new.clone().created(table.next_source()?, at);
            Ok((Some(Change::Source(source.clone())), source))
        };
        self.append(store, at, by, decide).await
    }

    /// Changes a source.
    ///
    /// # Errors
    /// Where there is none of that number, its new name is taken, or it could not be
    /// recorded.
    pub async fn change_source(
        &self,
        store: &Store,
        at: Timestamp,
        by: Actor,
        number: Source,
        change: SourceChange,
    ) -> Result<SourceRecord, AccessError> {
        let decide = |table: &AccessTable| {
            let before = table.source(number).ok_or(AccessError::UnknownSource(number))?;
            let after = before.changed(change.clone());
            is_free(table, &after.name, Some(number))?;
            let change = (after != *before).then(|| Change::Source(after.clone()));
            Ok((change, after))
        };
        self.append(store, at, by, decide).await
    }

    /// Creates a key. Its text is known to the caller only.
    ///
    /// # Errors
    /// Where its source is not known, or it could not be recorded.
    pub async fn create_key(
        &self,
        store: &Store,
        at: Timestamp,
        by: Actor,
        new: NewKey,
    ) -> Result<(KeyRecord, KeyText), AccessError> {
        let decide = |table: &AccessTable| {
            if !belongs_to_somebody(table, &new) {
                return Err(AccessError::UnknownSource(new.source));
            }
            let text = draw(table)?;
            let record = new.clone().created(text.id(), text.hash(), at);
            Ok((Some(Change::KeyCreated(record.clone())), (record, text)))
        };
        self.append(store, at, by, decide).await
    }

    /// Creates a key that takes the place of another, which works on for so long, unless
    /// it ends before.
    ///
    /// # Errors
    /// Where there is no such key, it was revoked or replaced before, or the new one could
    /// not be recorded.
    pub async fn rotate_key(
        &self,
        store: &Store,
        at: Timestamp,
        by: Actor,
        id: KeyId,
        grace_ms: i64,
    ) -> Result<(KeyRecord, KeyText), AccessError> {
        let decide = |table: &AccessTable| {
            let known = table.key(id).ok_or(AccessError::UnknownKey(id))?;
            if known.revoked_at.is_some() {
                return Err(AccessError::Revoked(id));
            }
            if let Some(by) = known.replaced_by {
                return Err(AccessError::Replaced { key: id, by });
            }
            let text = draw(table)?;
            let new = known.record.renewed(text.id(), text.hash(), at);
            let old_expires_at = at.plus_ms(grace_ms.max(0));
            let change = Change::KeyRotated { old: id, old_expires_at, new: new.clone() };
            Ok((Some(change), (new, text)))
        };
        self.append(store, at, by, decide).await
    }

    /// Revokes a key. One that was revoked before stays as it is.
    ///
    /// # Errors
    /// Where there is no such key, or it could not be recorded.
    pub async fn revoke_key(
        &self,
        store: &Store,
        at: Timestamp,
        by: Actor,
        id: KeyId,
    ) -> Result<Arc<KnownKey>, AccessError> {
        let decide = |table: &AccessTable| {
            let known = table.key(id).ok_or(AccessError::UnknownKey(id))?;
            let revoked_at = known.revoked_at.unwrap_or(at);
            let change = known.revoked_at.is_none().then_some(Change::KeyRevoked(id));
            Ok((change, Arc::new(KnownKey { revoked_at: Some(revoked_at), ..known.clone() })))
        };
        self.append(store, at, by, decide).await
    }

    /// Records what an operator is about to do.
    ///
    /// # Errors
    /// Where it could not be recorded.
    pub async fn record(
        &self,
        store: &Store,
        at: Timestamp,
        by: Actor,
        change: Change,
    ) -> Result<(), AccessError> {
        self.append(store, at, by, |_| Ok((Some(change.clone()), ()))).await
    }

    /// Appends what is decided by what is there, if anything is to be changed. Decided
    /// anew where another entry came first.
    pub(super) async fn append<T>(
        &self,
        store: &Store,
        at: Timestamp,
        by: Actor,
        mut decide: impl FnMut(&AccessTable) -> Result<(Option<Change>, T), AccessError>,
    ) -> Result<T, AccessError> {
        for _ in 0..TRIES {
            let read = self.read_on(store).await?;
            let (change, given) = decide(&read.table)?;
            let Some(change) = change else { return Ok(given) };
            let entries = [to_bytes(&Entry { at, by, change })];
            let appended = store.append(JournalName::Ledger, None, read.position, &entries).await?;
            if let Appended::Yes { .. } = appended {
                // It is recorded, whatever comes now: a new key's text must not be lost.
                if let Err(error) = self.read(store).await {
                    tracing::warn!(%error, "a change of the ledger is known here a little later");
                }
                return Ok(given);
            }
        }
        Err(StoreError::Unavailable("other entries of the ledger kept coming first".into()).into())
    }

    async fn read_on(&self, store: &Store) -> Result<Read, StoreError> {
        let known = self.known();
        let mut read = known.clone();
        // What is appended from here on may not be seen.
        let began_ms = self.made.elapsed().as_millis() as u64;
        loop {
            match store.journal(JournalName::Ledger, read.position).await? {
                Tail::Since(piece) => {
                    if !piece.entries.is_empty() {
                        let table = Arc::make_mut(&mut read.table);
                        for bytes in &piece.entries {
                            table.take(entry(bytes, table.length()));
                        }
                    }
                    read.position = piece.end;
                    if !piece.more {
                        break;
                    }
                }
                Tail::Lost => {
                    tracing::warn!(
                        "the store has lost entries of the ledger that were read before; it is \
                         read anew"
                    );
                    read = Read::default();
                }
            }
        }
        let mut shared = self.read.write().unwrap_or_else(PoisonError::into_inner);
        // Who reads at once with another reads as far or further: the first one's stays.
        if shared.position == known.position && read.position != known.position {
            *shared = read.clone();
        }
        self.read_ms.fetch_max(began_ms, Ordering::Relaxed);
        Ok(read)
    }

    fn known(&self) -> Read {
        self.read.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Entries of the ledger since then, the newest first, at most [`MOST_AUDITED`].
///
/// # Errors
/// Where it cannot be read.
pub async fn audit(store: &Store, since: Timestamp) -> Result<Vec<Entry>, StoreError> {
    let (mut found, mut position, mut number) = (VecDeque::new(), Position::START, 0);
    loop {
        let Tail::Since(piece) = store.journal(JournalName::Ledger, position).await? else {
            return Err(StoreError::Unavailable("the ledger was lost while it was read".into()));
        };
        for bytes in &piece.entries {
            if let Some(entry) = entry(bytes, number).filter(|entry| since <= entry.at) {
                found.push_front(entry);
                found.truncate(MOST_AUDITED);
            }
            number += 1;
        }
        position = piece.end;
        if !piece.more {
            return Ok(found.into());
        }
    }
}

/// The entry of these bytes; None where this version does not know it, or nobody can read
/// it.
fn entry(bytes: &[u8], number: u64) -> Option<Entry> {
    from_bytes(bytes).unwrap_or_else(|error| {
        // What cannot be read must not hide what comes after it.
        tracing::error!(%error, number, "an entry of the ledger cannot be read and is left out");
        None
    })
}

/// Whether no other source has a name.
fn is_free(table: &AccessTable, name: &str, except: Option<Source>) -> Result<(), Conflict> {
    match table.source_named(name) {
        Some(other) if Some(other.number) != except => Err(Conflict::NameTaken(other.number)),
        _ => Ok(()),
    }
}

/// Whether the source of a key is known. A key that does not report, like that of an
/// operator, needs none.
fn belongs_to_somebody(table: &AccessTable, new: &NewKey) -> bool {
    let reports = new.scopes.given().any(|scope| scope == Scope::Report);
    table.source(new.source).is_some() || (new.source == Source(0) && !reports)
}

/// The text of a key whose id nobody has.
fn draw(table: &AccessTable) -> Result<KeyText, StoreError> {
    loop {
        let mut random = [0; RANDOM_BYTES];
        getrandom::fill(&mut random).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let text = KeyText::from_random(&random).filter(|text| table.key(text.id()).is_none());
        if let Some(text) = text {
            return Ok(text);
        }
    }
}
