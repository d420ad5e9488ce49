//! Facts that no longer change, in an embedded database: minutes for 15 days, hours for 8
//! weeks, and the public twins of hours for as long.

use super::aged_hours::{AgedHours, is_remembered};
use super::database::Database;
use super::live::Live;
use super::stored_time::{stored_hour, stored_minute};
use super::{Durability, rows};
use crate::domain::counts::Counts;
use crate::domain::grid::Resolution;
use crate::domain::time::{Hour, Minute};
use crate::store::shown_hour::RULE_BYTES;
use crate::store::{OpenError, StoreError};
use redb::{ReadableDatabase, ReadableTable, TableDefinition};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// (provider's number, hour) to the minutes of that hour.
const MINUTES: TableDefinition<(u16, u32), &[u8]> = TableDefinition::new("minutes");
/// (provider's number, hour) to the hour's counts, cells no finer than resolution 7.
const HOURS: TableDefinition<(u16, u32), &[u8]> = TableDefinition::new("hours");
/// (provider's number, hour) to the public twin of the hour.
const SHOWN: TableDefinition<(u16, u32), &[u8]> = TableDefinition::new("shown_hours");
/// (provider's number, hour) to the rule that the twin was made by: looked up without
/// reading twins.
const SHOWN_RULES: TableDefinition<(u16, u32), &[u8]> = TableDefinition::new("shown_rules");
/// Hour to the number of the first frame of the log that it does not include.
const AGED: TableDefinition<u32, u64> = TableDefinition::new("aged");

/// Bytes the database may keep in memory. Its readers are rare: maps of days gone by.
const CACHE_BYTES: usize = 32 << 20;

/// Minutes and their counts, sorted.
pub type MinuteCounts<C> = Vec<(Minute, C)>;

/// Hours and what is stored of them, sorted.
pub type Bytes = Vec<(Hour, Vec<u8>)>;

/// The database.
#[derive(Debug)]
pub struct Aged {
    database: Database,
}

/// One hour of one provider, on its way into the database.
#[derive(Debug)]
pub struct AgingHour {
    provider: u16,
    minutes: Vec<(Minute, Arc<Counts>)>,
}

impl AgingHour {
    /// What is live of an hour.
    #[must_use]
    pub fn gather(live: &Live, hour: Hour) -> Vec<Self> {
        let of_provider = |provider: u16| Self {
            provider,
            minutes: live.minutes(provider, hour.minutes()).collect(),
        };
        (0..live.providers.len())
            .map(|n| of_provider(n as u16))
            .filter(|aging| !aging.minutes.is_empty())
            .collect()
    }

    /// Whether what is live of an hour is still what was gathered.
    #[must_use]
    pub fn is_unchanged(gathered: &[Self], live: &Live, hour: Hour) -> bool {
        let same = |a: &Self, b: &Self| {
            let same_minute = |(a, b): (&(Minute, Arc<Counts>), &(Minute, Arc<Counts>))| {
                a.0 == b.0 && Arc::ptr_eq(&a.1, &b.1)
            };
            a.provider == b.provider
                && a.minutes.len() == b.minutes.len()
                && a.minutes.iter().zip(&b.minutes).all(same_minute)
        };
        let now = Self::gather(live, hour);
        now.len() == gathered.len() && now.iter().zip(gathered).all(|(a, b)| same(a, b))
    }
}

impl Aged {
    /// Opens the database, or makes an empty one.
    ///
    /// # Errors
    /// Where it cannot be read or written.
    pub fn open(path: &Path, durability: Durability) -> Result<(Self, AgedHours), OpenError> {
        let (database, hours) = Database::open(path, durability, CACHE_BYTES, |database| {
            let txn = database.begin_write()?;
            let mut hours = BTreeMap::new();
            {
                txn.open_table(MINUTES)?;
                txn.open_table(HOURS)?;
                txn.open_table(SHOWN)?;
                txn.open_table(SHOWN_RULES)?;
                for row in txn.open_table(AGED)?.iter()? {
                    let (hour, until) = row?;
                    hours.insert(Hour(i64::from(hour.value())), until.value());
                }
            }
            txn.commit()?;
            Ok(hours)
        })?;
        Ok((Self { database }, AgedHours(hours)))
    }

    /// Writes an hour, beside what is there of it. On return it is on the disk, where
    /// that is waited for.
    ///
    /// # Errors
    /// Where it cannot be written; nothing of it was then.
    pub fn insert(&self, hour: Hour, until: u64, parts: &[AgingHour]) -> Result<(), StoreError> {
        self.database.with(|database| {
            let txn = database.begin_write()?;
            {
                let (mut minutes, mut hours) = (txn.open_table(MINUTES)?, txn.open_table(HOURS)?);
                for part in parts {
                    let key = (part.provider, stored_hour(hour));
                    let before =
                        minutes.get(key)?.map_or_else(Vec::new, |value| unpack(value.value()).1);
                    let all = merged(
                        before
                            .into_iter()
                            .map(|(m, c)| (m, Arc::new(c)))
                            .chain(part.minutes.iter().cloned()),
                    );
                    let mut sum = Counts::default();
                    for (_, counts) in &all {
                        sum.add_rolled_up(counts, Resolution::HOURLY);
                    }
                    sum.settle();
                    minutes.insert(key, &*pack(until, &all))?;
                    hours.insert(key, &*pack(until, &[(hour.first_minute(), Arc::new(sum))]))?;
                }
                txn.open_table(AGED)?.insert(stored_hour(hour), until)?;
            }
            txn.commit()?;
            Ok(())
        })
    }

    /// The minutes of an hour of a provider, and the `until` they were written with.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn minutes(
        &self,
        provider: u16,
        hour: Hour,
    ) -> Result<(u64, MinuteCounts<Counts>), StoreError> {
        self.get(MINUTES, provider, hour)
    }

    /// The counts of an hour of a provider, and the `until` they were written with.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn hour(&self, provider: u16, hour: Hour) -> Result<(u64, Option<Counts>), StoreError> {
        let (until, mut counts) = self.get(HOURS, provider, hour)?;
        Ok((until, counts.pop().map(|(_, counts)| counts)))
    }

    /// Forgets minutes before one hour, and hours with their twins before another. That an
    /// hour was here at all is remembered for as long as a restart would find its reports
    /// in the log or the snapshot, and count them again.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn forget(
        &self,
        minutes_before: Hour,
        hours_before: Hour,
        snapshot_number: u64,
        aged: &mut AgedHours,
    ) -> Result<(), StoreError> {
        self.database.with(|database| {
            let txn = database.begin_write()?;
            {
                txn.open_table(MINUTES)?
                    .retain(|(_, hour), _| i64::from(hour) >= minutes_before.0)?;
                for table in [HOURS, SHOWN, SHOWN_RULES] {
                    txn.open_table(table)?
                        .retain(|(_, hour), _| i64::from(hour) >= hours_before.0)?;
                }
                let kept = |hour, until| {
                    is_remembered(Hour(i64::from(hour)), until, hours_before, snapshot_number)
                };
                txn.open_table(AGED)?.retain(kept)?;
            }
            txn.commit()?;
            Ok(())
        })?;
        aged.forget(hours_before, snapshot_number);
        Ok(())
    }

    /// Writes the public twin of an hour, in place of the one that is there. On return it
    /// is on the disk, where that is waited for.
    ///
    /// # Errors
    /// Where it cannot be written; the one before is there then.
    pub fn keep_shown(&self, provider: u16, hour: Hour, twin: &[u8]) -> Result<(), StoreError> {
        self.database.with(|database| {
            let (txn, key) = (database.begin_write()?, (provider, stored_hour(hour)));
            txn.open_table(SHOWN)?.insert(key, twin)?;
            txn.open_table(SHOWN_RULES)?.insert(key, &twin[..RULE_BYTES])?;
            txn.commit()?;
            Ok(())
        })
    }

    /// The public twins of a provider's hours as they were written, oldest first.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn shown(&self, provider: u16, hours: Range<Hour>) -> Result<Bytes, StoreError> {
        self.within(SHOWN, provider, hours)
    }

    /// The rules of the public twins of a provider's hours as they were written, oldest
    /// first.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn shown_rules(&self, provider: u16, hours: Range<Hour>) -> Result<Bytes, StoreError> {
        self.within(SHOWN_RULES, provider, hours)
    }

    fn within(
        &self,
        table: TableDefinition<(u16, u32), &[u8]>,
        provider: u16,
        hours: Range<Hour>,
    ) -> Result<Bytes, StoreError> {
        let stored = |hour: Hour| hour.0.clamp(0, i64::from(u32::MAX)) as u32;
        let keys = (provider, stored(hours.start))..(provider, stored(hours.end));
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        self.database.with(|database| {
            let mut found = Vec::new();
            for row in database.begin_read()?.open_table(table)?.range(keys)? {
                let (key, value) = row?;
                found.push((Hour(i64::from(key.value().1)), value.value().to_vec()));
            }
            Ok(found)
        })
    }

    fn get(
        &self,
        table: TableDefinition<(u16, u32), &[u8]>,
        provider: u16,
        hour: Hour,
    ) -> Result<(u64, MinuteCounts<Counts>), StoreError> {
        self.database.with(|database| {
            let txn = database.begin_read()?;
            let value = txn.open_table(table)?.get((provider, stored_hour(hour)))?;
            Ok(value.map_or((0, Vec::new()), |value| unpack(value.value())))
        })
    }
}

/// One counts a minute, sorted.
pub fn merged(minutes: impl Iterator<Item = (Minute, Arc<Counts>)>) -> Vec<(Minute, Arc<Counts>)> {
    let mut by_minute: BTreeMap<Minute, Arc<Counts>> = BTreeMap::new();
    for (minute, counts) in minutes {
        match by_minute.entry(minute) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(counts);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                *entry.get_mut() =
                    Arc::new(Counts::from_rows(entry.get().rows().chain(counts.rows()).collect()));
            }
        }
    }
    by_minute.into_iter().collect()
}

/// `until`, then per minute: minute (4 bytes), length (4), rows; the whole compressed.
fn pack(until: u64, minutes: &[(Minute, Arc<Counts>)]) -> Vec<u8> {
    let mut plain = until.to_le_bytes().to_vec();
    for (minute, counts) in minutes {
        let mut bytes = Vec::new();
        rows::write(counts, &mut bytes);
        plain.extend_from_slice(&stored_minute(*minute).to_le_bytes());
        plain.extend_from_slice(
            &u32::try_from(bytes.len()).expect("a minute is far below 4 GiB").to_le_bytes(),
        );
        plain.extend_from_slice(&bytes);
    }
    zstd::encode_all(&plain[..], zstd::DEFAULT_COMPRESSION_LEVEL)
        .expect("compressing in memory cannot fail")
}

/// What [`pack`] packed. The database guards its pages with checksums of its own.
fn unpack(packed: &[u8]) -> (u64, MinuteCounts<Counts>) {
    let plain = zstd::decode_all(packed).expect("the database gives back what was written");
    let four = |at: usize| u32::from_le_bytes(plain[at..at + 4].try_into().expect("four bytes"));
    let until = u64::from(four(0)) | u64::from(four(4)) << 32;
    let (mut at, mut minutes) = (8, Vec::new());
    while at < plain.len() {
        let (minute, length) = (Minute(i64::from(four(at))), four(at + 4) as usize);
        minutes.push((
            minute,
            rows::read(&plain[at + 8..at + 8 + length]).expect("whole rows were written"),
        ));
        at += 8 + length;
    }
    (until, minutes)
}
