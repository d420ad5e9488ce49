//! The access table: sources, keys and what readers may see, folded from the entries of the
//! ledger.

use super::entry::{Actor, Change, Entry, PrivacySetting};
use super::key::{KeyHash, KeyId, KeyRecord, Refusal};
use super::scope::Scope;
use super::source::{LAST_SOURCE, SourceRecord};
use crate::domain::fact::Source;
use crate::domain::privacy::coin::Coin;
use crate::domain::privacy::rule::Rules;
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
    privacy: Option<Arc<Privacy>>,
    /// The last day on which each read exact figures.
    exact_reads: HashTrieMapSync<Actor, i64>,
    length: u64,
}

/// What readers may see, as all settings of it say together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privacy {
    /// The rules, each from its time on.
    pub rules: Rules,
    /// From when on the latest rule is in force.
    pub since: Timestamp,
    /// Whether somebody asked for the latest.
    pub is_chosen: bool,
    /// The coin of the store, as the first setting has it.
    pub coin: Coin,
}

/// A key, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// As it was created, but for its end, which a rotation brings forward.
    pub record: KeyRecord,
    /// Who created it.
    pub created_by: Actor,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// The key that took its place.
    pub replaced_by: Option<KeyId>,
}

/// Why an entry cannot be appended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// Another source has that name.
    #[error("source {number} has that name", number = .0.0)]
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
        let Some(Entry { at, by, change }) = entry else { return };
        match change {
            Change::Source(source) => {
                self.sources.insert_mut(source.number, Arc::new(source));
            }
            Change::KeyCreated(record) => self.add(record, by),
            Change::KeyRotated { old, old_expires_at, new } => {
                let new_id = new.id;
                self.add(new, by);
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
            Change::PrivacySet(setting) => {
                self.privacy = Some(Arc::new(Privacy::after(self.privacy(), at, setting)));
            }
            Change::ExactRead => {
                let last = self.last_exact_read(by).unwrap_or(i64::MIN);
                self.exact_reads.insert_mut(by, last.max(at.day()));
            }
            // For the record only.
            Change::ReportsVoided { .. } | Change::NoteAdded { .. } => {}
        }
    }

    /// An id is given once: another key of the same would open what was revoked.
    fn add(&mut self, record: KeyRecord, created_by: Actor) {
        if self.keys.contains_key(&record.id) {
            return;
        }
        self.key_order.insert_mut(self.length, record.id);
        let known = KnownKey { record, created_by, revoked_at: None, replaced_by: None };
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
    #[must_use]
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &KnownKey> {
        self.key_order.values().filter_map(|id| self.key(*id))
    }

    /// What readers may see; none where no server ever ran on the store.
    #[must_use]
    pub fn privacy(&self) -> Option<&Privacy> {
        self.privacy.as_deref()
    }

    /// The last day on which somebody read exact figures.
    #[must_use]
    pub fn last_exact_read(&self, by: Actor) -> Option<i64> {
        self.exact_reads.get(&by).copied()
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
    #[must_use]
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

impl Privacy {
    /// What holds once it is set anew.
    fn after(before: Option<&Self>, at: Timestamp, setting: PrivacySetting) -> Self {
        let PrivacySetting { rule, is_chosen, coin } = setting;
        let (mut rules, since, coin) = match before {
            None => (Rules::default(), at, coin),
            // A later entry holds, also one that a clock of before dated.
            Some(before) => (before.rules.clone(), at.max(before.since), before.coin.clone()),
        };
        rules.add(since, rule);
        Self { rules, since, is_chosen, coin }
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::KeyLimits;
    use super::super::scope::Scopes;
    use super::*;
    use crate::domain::privacy::rule::Rule;

    const AT: Timestamp = Timestamp(1_000);

    fn key(id: &str, scope: Scope) -> KeyRecord {
        KeyRecord {
            id: KeyId::parse(id).unwrap(),
            hash: KeyHash([id.as_bytes()[7]; 32]),
            source: Source(1),
            name: "a key".into(),
            scopes: [scope].into_iter().collect(),
            providers: None,
            origins: [].into(),
            expires_at: None,
            limits: KeyLimits::default(),
            is_test: false,
            created_at: AT,
        }
    }

    fn source(number: u16, name: &str) -> SourceRecord {
        SourceRecord {
            number: Source(number),
            name: name.into(),
            contact: None,
            may_open: true,
            created_at: AT,
        }
    }

    fn table(changes: impl IntoIterator<Item = Change>) -> AccessTable {
        let mut table = AccessTable::default();
        for change in changes {
            table.take(Some(Entry { at: AT, by: Actor::CommandLine, change }));
        }
        table
    }

    #[test]
    fn a_key_is_admitted_by_id_and_hash_until_its_end_or_its_revocation() {
        let record =
            KeyRecord { expires_at: Some(Timestamp(5_000)), ..key("aaaaaaa1", Scope::Read) };
        let mut all = table([Change::KeyCreated(record.clone())]);
        let admit = |all: &AccessTable, id: KeyId, hash: u8, now| {
            all.admit(id, &KeyHash([hash; 32]), Timestamp(now)).map(|known| known.record.id)
        };
        assert_eq!(admit(&all, record.id, b'1', 4_999), Ok(record.id));
        assert_eq!(admit(&all, record.id, b'1', 5_000), Err(Refusal::Expired));
        assert_eq!(admit(&all, record.id, b'2', 0), Err(Refusal::Unknown), "of another secret");
        let other = KeyId::parse("bbbbbbb1").unwrap();
        assert_eq!(admit(&all, other, b'1', 0), Err(Refusal::Unknown));
        let revoked = Change::KeyRevoked(record.id);
        all.take(Some(Entry { at: Timestamp(2_000), by: Actor::ThisMachine, change: revoked }));
        assert_eq!(admit(&all, record.id, b'1', 0), Err(Refusal::Revoked), "whatever the time");
        let again = Change::KeyCreated(record.clone());
        all.take(Some(Entry { at: AT, by: Actor::ThisMachine, change: again }));
        assert_eq!(admit(&all, record.id, b'1', 0), Err(Refusal::Revoked), "an id is given once");
        assert_eq!(all.key(record.id).unwrap().revoked_at, Some(Timestamp(2_000)));
    }

    #[test]
    fn a_rotation_brings_the_end_of_the_old_key_forward_and_never_puts_it_off() {
        let [old, new] = ["aaaaaaa1", "aaaaaaa2"].map(|id| key(id, Scope::Report));
        for (end, expected) in [(None, 4_000), (Some(9_000), 4_000), (Some(2_000), 2_000)] {
            let old = KeyRecord { expires_at: end.map(Timestamp), ..old.clone() };
            let rotated = Change::KeyRotated {
                old: old.id,
                old_expires_at: Timestamp(4_000),
                new: new.clone(),
            };
            let all = table([Change::KeyCreated(old.clone()), rotated]);
            let known = all.key(old.id).unwrap();
            assert_eq!(known.record.expires_at, Some(Timestamp(expected)), "{end:?}");
            assert_eq!((known.replaced_by, known.revoked_at), (Some(new.id), None));
            assert_eq!(all.key(new.id).unwrap().record, new);
            let order: Vec<KeyId> = all.keys().map(|known| known.record.id).collect();
            assert_eq!(order, [old.id, new.id], "as they were created");
        }
    }

    #[test]
    fn a_source_changes_and_keeps_its_number_and_no_number_is_given_again() {
        let all = table(
            [(1, "One"), (2, "Two"), (1, "Éins")]
                .map(|(number, name)| Change::Source(source(number, name))),
        );
        let names: Vec<&str> = all.sources().map(|source| &*source.name).collect();
        assert_eq!((names, all.length()), (vec!["Éins", "Two"], 3));
        assert_eq!(all.source_named("éINS").map(|source| source.number), Some(Source(1)));
        assert_eq!(all.source_named("One"), None, "that name is free again");
        assert_eq!(all.next_source(), Ok(Source(3)));
        let full = table([Change::Source(source(LAST_SOURCE.0, "last"))]);
        assert_eq!(full.next_source(), Err(Conflict::NoNumberLeft));
    }

    #[test]
    fn what_a_newer_version_wrote_is_counted_and_changes_nothing() {
        let mut all = table([Change::KeyCreated(key("aaaaaaa1", Scope::Admin))]);
        all.take(None);
        assert_eq!((all.length(), all.keys().count()), (2, 1));
        all.take(Some(Entry {
            at: AT,
            by: Actor::Other,
            change: Change::KeyRevoked(KeyId::parse("zzzzzzzz").unwrap()),
        }));
        assert_eq!((all.length(), all.keys().count()), (3, 1), "a key that is not there");
    }

    #[test]
    fn there_is_an_admin_while_one_of_its_keys_works() {
        let admin =
            KeyRecord { expires_at: Some(Timestamp(5_000)), ..key("aaaaaaa1", Scope::Admin) };
        let reader = key("aaaaaaa2", Scope::Exact);
        let mut all = table([Change::KeyCreated(reader), Change::KeyCreated(admin.clone())]);
        assert_eq!([4_999, 5_000].map(|now| all.has_admin(Timestamp(now))), [true, false]);
        let revoked = Change::KeyRevoked(admin.id);
        all.take(Some(Entry { at: AT, by: Actor::Key(admin.id), change: revoked }));
        assert!(!all.has_admin(AT));
        assert!(!AccessTable::default().has_admin(AT) && Scopes::NONE.is_empty());
    }

    #[test]
    fn the_latest_setting_of_privacy_holds_and_the_first_coin() {
        assert_eq!(AccessTable::default().privacy(), None);
        let set = |at, k, is_chosen, coin| {
            let rule = Rule { k, ..Rule::default() };
            let setting = PrivacySetting { rule, is_chosen, coin: Coin::new([coin; 16]) };
            let change = Change::PrivacySet(setting);
            Some(Entry { at: Timestamp(at), by: Actor::CommandLine, change })
        };
        let mut all = AccessTable::default();
        all.take(set(10, 3, false, 1));
        // Dated by a clock that was behind.
        all.take(set(5, 5, true, 2));
        let Privacy { rules, since, is_chosen, coin } = all.privacy().unwrap();
        assert_eq!((rules.latest().k, *since, *is_chosen), (5, Timestamp(10), true));
        assert_eq!(*coin, Coin::new([1; 16]));
        assert!(!format!("{all:?}").contains("1, 1, 1"), "{all:?}");
    }

    #[test]
    fn who_read_exactly_is_known_by_the_last_day() {
        let mut all = AccessTable::default();
        for (at, by) in [(3, Actor::ThisMachine), (2, Actor::ThisMachine)] {
            let at = Timestamp(at * crate::domain::time::DAY_MS);
            all.take(Some(Entry { at, by, change: Change::ExactRead }));
        }
        assert_eq!(all.last_exact_read(Actor::ThisMachine), Some(3));
        assert_eq!(all.last_exact_read(Actor::CommandLine), None);
    }

    #[test]
    fn a_copy_stays_as_it_was() {
        let before = table([Change::KeyCreated(key("aaaaaaa1", Scope::Read))]);
        let mut after = before.clone();
        let id = KeyId::parse("aaaaaaa1").unwrap();
        after.take(Some(Entry { at: AT, by: Actor::CommandLine, change: Change::KeyRevoked(id) }));
        let revoked = [&before, &after].map(|table| table.key(id).unwrap().revoked_at);
        assert_eq!((revoked, before.length()), ([None, Some(AT)], 1));
    }
}
