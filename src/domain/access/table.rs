//! The access table: all sources and keys, folded from the entries of the ledger.

use super::entry::{Change, Entry};
use super::key::{KeyHash, KeyId, KeyRecord, Refusal};
use super::scope::Scope;
use super::source::{LAST_SOURCE, SourceRecord};
use crate::domain::fact::Source;
use crate::domain::time::Timestamp;
use rpds::{HashTrieMapSync, RedBlackTreeMapSync};
use std::sync::Arc;

/// All that the ledger says. A copy shares with it all that neither has changed since.
#[derive(Debug, Clone, Default)]
pub struct AccessTable {
    sources: RedBlackTreeMapSync<Source, Arc<SourceRecord>>,
    keys: HashTrieMapSync<KeyId, Arc<KnownKey>>,
    /// Keys in the order in which they were created.
    key_order: RedBlackTreeMapSync<u64, KeyId>,
    length: u64,
}

/// A key, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// As it was created, but for its end, which a rotation brings forward.
    pub record: KeyRecord,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The key that took its place.
    pub replaced_by: Option<KeyId>,
}

/// Why an entry cannot be appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Another source has that name.
    #[error("source {} has that name", .0.0)]
    NameTaken(Source),
    /// All numbers of sources are given.
    #[error("all {} numbers of sources are given", LAST_SOURCE.0)]
    NoNumberLeft,
}

impl AccessTable {
    /// How many entries of the ledger it has taken.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Takes the next entry of the ledger; none where a newer version wrote what this one
    /// does not know.
    pub fn take(&mut self, entry: Option<Entry>) {
        self.length += 1;
        let Some(Entry { at, change, .. }) = entry else { return };
        match change {
            Change::Source(source) => {
                self.sources.insert_mut(source.number, Arc::new(source));
            }
            Change::KeyCreated(record) => self.add(record),
            Change::KeyRotated { old, old_expires_at, new } => {
                let new_id = new.id;
                self.add(new);
                self.change(old, |known| {
                    let end = known.record.expires_at;
                    known.record.expires_at =
                        Some(end.map_or(old_expires_at, |end| end.min(old_expires_at)));
                    known.replaced_by = Some(new_id);
                });
            }
            Change::KeyRevoked(id) => self.change(id, |known| {
                known.revoked_at.get_or_insert(at);
            }),
        }
    }

    fn add(&mut self, record: KeyRecord) {
        self.key_order.insert_mut(self.length, record.id);
        let known = KnownKey { record, revoked_at: None, replaced_by: None };
        self.keys.insert_mut(known.record.id, Arc::new(known));
    }

    fn change(&mut self, id: KeyId, change: impl FnOnce(&mut KnownKey)) {
        if let Some(known) = self.keys.get_mut(&id) {
            change(Arc::make_mut(known));
        }
    }

    /// The key that was shown, where its id is known, it hashes to what was kept, and it is
    /// still good.
    ///
    /// # Errors
    /// Where it is refused. An id with another secret is answered as one that nobody has.
    pub fn admit(
        &self,
        id: KeyId,
        hash: &KeyHash,
        now: Timestamp,
    ) -> Result<&Arc<KnownKey>, Refusal> {
        let known = self
            .keys
            .get(&id)
            .filter(|known| known.record.hash.matches(hash))
            .ok_or(Refusal::Unknown)?;
        if known.revoked_at.is_some() {
            return Err(Refusal::Revoked);
        }
        if known.record.is_expired(now) {
            return Err(Refusal::Expired);
        }
        Ok(known)
    }

    /// The key of that id.
    #[must_use]
    pub fn key(&self, id: KeyId) -> Option<&KnownKey> {
        self.keys.get(&id).map(|known| &**known)
    }

    /// All keys, the oldest first.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &KnownKey> {
        self.key_order.values().filter_map(|id| self.key(*id))
    }

    /// The source of that number.
    #[must_use]
    pub fn source(&self, number: Source) -> Option<&SourceRecord> {
        self.sources.get(&number).map(|source| &**source)
    }

    /// The source of that name, whatever its case.
    #[must_use]
    pub fn source_named(&self, name: &str) -> Option<&SourceRecord> {
        let name = name.to_lowercase();
        self.sources().find(|source| source.name.to_lowercase() == name)
    }

    /// All sources, by number.
    pub fn sources(&self) -> impl DoubleEndedIterator<Item = &SourceRecord> {
        self.sources.values().map(|source| &**source)
    }

    /// The number of the next source.
    ///
    /// # Errors
    /// Where all are given.
    pub fn next_source(&self) -> Result<Source, Conflict> {
        let last = self.sources.last().map_or(0, |(number, _)| number.0);
        if last == LAST_SOURCE.0 { Err(Conflict::NoNumberLeft) } else { Ok(Source(last + 1)) }
    }

    /// Whether any key that still works may run the server.
    #[must_use]
    pub fn has_admin(&self, now: Timestamp) -> bool {
        self.keys().any(|known| {
            known.revoked_at.is_none()
                && !known.record.is_expired(now)
                && known.record.scopes.allow(Scope::Admin)
        })
    }
}
