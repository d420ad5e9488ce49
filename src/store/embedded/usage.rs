//! What keys are used for, in memory, and once a minute in a table beside the ledger: a
//! write for every second would cost the disk more than the counts are worth.

use super::Embedded;
use super::journal::Journal;
use crate::domain::access::key::KeyId;
use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::store::StoreError;
use crate::store::usage::{Batch, DAYS_KEPT, Told, UsageByKey};
use redb::{Error, ReadableTable, TableDefinition};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Day to a row for each key: its id and the reports of that day.
const DAYS: TableDefinition<i64, &[u8]> = TableDefinition::new("usage_days");
/// Under 0, a row for each key: its id and the last day of its use.
const LAST: TableDefinition<i64, &[u8]> = TableDefinition::new("usage_last");
const ID_BYTES: usize = 8;
const ROW_BYTES: usize = ID_BYTES + 8;
/// Between two writes.
const WRITTEN_EVERY_MS: i64 = MINUTE_MS;

/// What is counted.
#[derive(Debug, Default)]
pub struct Usage {
    /// Held to count, to look, and to copy what is to be written.
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    days: BTreeMap<i64, HashMap<KeyId, u64>>,
    last: HashMap<KeyId, i64>,
    is_changed: bool,
    written_at: Option<Timestamp>,
}

impl Usage {
    /// What was written.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn open(ledger: &Journal) -> Result<Self, StoreError> {
        let counts = ledger.database.with(|database| {
            let txn = database.begin_write()?;
            let mut counts = Counts::default();
            for row in txn.open_table(DAYS)?.iter()? {
                let (day, rows) = row?;
                counts.days.insert(day.value(), read(rows.value(), u64::from_le_bytes)?);
            }
            if let Some(rows) = txn.open_table(LAST)?.get(0)? {
                counts.last = read(rows.value(), i64::from_le_bytes)?;
            }
            txn.commit()?;
            Ok(counts)
        })?;
        Ok(Self { counts: Mutex::new(counts) })
    }

    /// Writes what changed, where that is due again.
    ///
    /// # Errors
    /// Where it cannot be written; the next call tries again.
    pub fn write_where_due(&self, ledger: &Journal, now: Timestamp) -> Result<(), StoreError> {
        {
            let mut counts = self.counts();
            let written_at = *counts.written_at.get_or_insert(now);
            // By a clock that was set back, too.
            if now.ms_since(written_at).abs() < WRITTEN_EVERY_MS {
                return Ok(());
            }
            counts.written_at = Some(now);
        }
        self.write(ledger)
    }

    /// Writes what changed.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&self, ledger: &Journal) -> Result<(), StoreError> {
        let (days, last) = {
            let mut counts = self.counts();
            if !std::mem::take(&mut counts.is_changed) {
                return Ok(());
            }
            (counts.days.clone(), counts.last.clone())
        };
        let written = ledger.database.with(|database| {
            let mut txn = database.begin_write()?;
            // As for entries, which lie in the same file.
            txn.set_two_phase_commit(true);
            {
                let mut table = txn.open_table(DAYS)?;
                table.retain(|day, _| days.contains_key(&day))?;
                for (day, counts) in &days {
                    table.insert(day, &*rows(counts, |count| count.to_le_bytes()))?;
                }
                txn.open_table(LAST)?.insert(0, &*rows(&last, |day| day.to_le_bytes()))?;
            }
            txn.commit()?;
            Ok(())
        });
        self.counts().is_changed |= written.is_err();
        written
    }

    // What a panic leaves is whole: maps, changed one entry at a time.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Embedded {
    pub(in crate::store) fn add_usage(&self, batch: Batch<'_>) -> Told {
        let mut counts = self.usage.counts();
        counts.is_changed |= !batch.used.is_empty();
        counts.days.retain(|day, _| batch.day - DAYS_KEPT <= *day);
        counts.last.extend(batch.used.iter().map(|(key, _)| (*key, batch.day)));
        let of_day = counts.days.entry(batch.day).or_default();
        let add = |(key, reports): &(KeyId, u64)| {
            let count = of_day.entry(*key).or_default();
            *count = count.saturating_add(*reports);
            *count
        };
        Told { today: batch.used.iter().map(add).collect(), nodes: 1 }
    }

    pub(in crate::store) fn usage_by_key(&self, day: i64) -> UsageByKey {
        let counts = self.usage.counts();
        UsageByKey {
            today: counts.days.get(&day).cloned().unwrap_or_default(),
            last_used_day: counts.last.clone(),
        }
    }
}

fn rows<V>(of: &HashMap<KeyId, V>, bytes: impl Fn(&V) -> [u8; 8]) -> Vec<u8> {
    of.iter().flat_map(|(key, value)| [key.as_str().as_bytes(), &bytes(value)].concat()).collect()
}

fn read<V>(rows: &[u8], value: impl Fn([u8; 8]) -> V) -> Result<HashMap<KeyId, V>, Error> {
    let row = |row: &[u8; ROW_BYTES]| {
        let (id, count) = row.split_first_chunk::<ID_BYTES>()?;
        Some((KeyId::parse(std::str::from_utf8(id).ok()?)?, value(count.try_into().ok()?)))
    };
    let (rows, rest) = rows.as_chunks::<ROW_BYTES>();
    let read = rows.iter().map(row).collect::<Option<_>>().filter(|_| rest.is_empty());
    read.ok_or_else(|| Error::Corrupted("what keys were used for makes no sense".into()))
}
