//! What keys are used for on this node: the schedules of their rates, and counts that the
//! store adds up over all nodes.

use crate::domain::access::key::KeyId;
use crate::domain::access::rate::Meter;
use crate::store::journal::NodeId;
use crate::store::usage::{Batch, MOST_KEYS_AT_ONCE};
use crate::store::{Store, StoreError};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// Usage of all keys that were used since this node started. No more than there are keys:
/// only one that was admitted gets here.
#[derive(Debug)]
pub struct UsageOfKeys {
    /// Held to copy a pointer out or to put one in.
    keys: RwLock<HashMap<KeyId, Arc<KeyUsage>>>,
    /// One tells at a time; held across it.
    telling: tokio::sync::Mutex<Telling>,
    nodes: AtomicU32,
}

/// What one key was used for.
#[derive(Debug, Default)]
pub struct KeyUsage {
    /// The rate of its reads.
    pub reads: Meter,
    /// The rate of its reports.
    pub reports: Meter,
    is_used: AtomicBool,
    /// Held to count.
    day: Mutex<Day>,
}

/// Reports of today.
#[derive(Debug, Default)]
struct Day {
    /// Through all nodes, as far as the store has told.
    told: u64,
    /// Through this node, as far as the store has not been told.
    untold: u64,
    /// Through this node, as far as they are not recorded yet.
    reserved: u64,
}

/// Reports of a key's day that are about to be recorded: counted unless they are given
/// back.
#[derive(Debug)]
pub struct Reserved {
    usage: Arc<KeyUsage>,
    reports: u64,
    is_given_back: bool,
}

/// A quota of reports is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{left} reports are left of the day's")]
pub struct QuotaSpent {
    /// How many are left: fewer than were asked for.
    pub left: u64,
}

/// What is on its way to the store.
#[derive(Debug)]
struct Telling {
    node: NodeId,
    /// The day of what was not told yet.
    day: i64,
    /// The number of the last batch.
    number: u64,
    /// Batches that are to be told, each once: one whose answer was lost is told again as
    /// it was.
    batches: VecDeque<Untold>,
}

#[derive(Debug)]
struct Untold {
    number: u64,
    day: i64,
    used: Vec<(KeyId, u64)>,
}

impl KeyUsage {
    /// Counts so many reports as today's, all or none.
    ///
    /// # Errors
    /// Where there would be more than `most_a_day`, over all nodes.
    pub fn count_reports(
        self: &Arc<Self>,
        reports: u64,
        most_a_day: Option<u64>,
    ) -> Result<(), QuotaSpent> {
        self.reserve(reports, most_a_day).map(drop)
    }

    /// Keeps so many of today's reports for those that are about to be recorded, all or
    /// none.
    ///
    /// # Errors
    /// Where there would be more than `most_a_day`, over all nodes.
    pub fn reserve(
        self: &Arc<Self>,
        reports: u64,
        most_a_day: Option<u64>,
    ) -> Result<Reserved, QuotaSpent> {
        let mut day = self.day();
        let left = most_a_day.map_or(u64::MAX, |most| most.saturating_sub(day.all()));
        if left < reports {
            return Err(QuotaSpent { left });
        }
        day.reserved = day.reserved.saturating_add(reports);
        Ok(Reserved { usage: Arc::clone(self), reports, is_given_back: false })
    }

    /// Reports of today, over all nodes: of the others as of the last second in which this
    /// node used the key.
    #[must_use]
    pub fn reported_today(&self) -> u64 {
        self.day().all()
    }

    /// Today is a day of its use.
    pub fn mark_used(&self) {
        // Most find it marked: a look is shared, a mark is not.
        if !self.is_used.load(Ordering::Relaxed) {
            self.is_used.store(true, Ordering::Relaxed);
        }
    }

    fn day(&self) -> MutexGuard<'_, Day> {
        self.day.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Day {
    const fn all(&self) -> u64 {
        self.told.saturating_add(self.untold).saturating_add(self.reserved)
    }
}

impl Reserved {
    /// Gives them back: they were not recorded.
    pub fn give_back(mut self) {
        self.is_given_back = true;
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        let mut day = self.usage.day();
        day.reserved = day.reserved.saturating_sub(self.reports);
        if !self.is_given_back {
            day.untold = day.untold.saturating_add(self.reports);
            // Within the lock: who gathers sees the mark, or the count of before it.
            self.usage.mark_used();
        }
    }
}

impl UsageOfKeys {
    /// Of a node that has used none, on that day.
    #[must_use]
    pub fn new(node: NodeId, day: i64) -> Self {
        let telling = Telling { node, day, number: 0, batches: VecDeque::new() };
        Self {
            keys: RwLock::default(),
            telling: tokio::sync::Mutex::new(telling),
            nodes: AtomicU32::new(1),
        }
    }

    /// That of one key.
    #[must_use]
    pub fn of(&self, key: KeyId) -> Arc<KeyUsage> {
        if let Some(usage) = self.find(key) {
            return usage;
        }
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(keys.entry(key).or_default())
    }

    /// Nodes that were there when this one told last, itself among them.
    #[must_use]
    pub fn nodes(&self) -> u32 {
        self.nodes.load(Ordering::Relaxed)
    }

    /// Tells the store what keys were used for since the last time, and learns what they
    /// were used for through all nodes. What was used before today is told as of the day
    /// before.
    ///
    /// # Errors
    /// Where the store does not answer: what was not told is told the next time.
    pub async fn tell(&self, store: &Store, today: i64) -> Result<(), StoreError> {
        let mut telling = self.telling.lock().await;
        let telling = &mut *telling;
        // What could not be told yet is counted still: another batch would have it twice.
        if telling.batches.is_empty() {
            self.gather(telling);
        }
        while let Some(Untold { number, day, used }) = telling.batches.front() {
            let batch = Batch { node: telling.node, number: *number, day: *day, used };
            let told = store.add_usage(batch).await?;
            self.nodes.store(told.nodes.max(1), Ordering::Relaxed);
            for ((key, reports), all) in used.iter().zip(told.today) {
                if let Some(usage) = self.find(*key) {
                    let mut day = usage.day();
                    day.untold = day.untold.saturating_sub(*reports);
                    day.told = all;
                }
            }
            telling.batches.pop_front();
        }
        if telling.day != today {
            telling.day = today;
            self.all().values().for_each(|usage| usage.day().told = 0);
        }
        Ok(())
    }

    /// Makes batches of what was used since; one where nothing was, which says that this
    /// node is there.
    fn gather(&self, telling: &mut Telling) {
        let keys = self.all();
        let is_used = |usage: &KeyUsage| usage.is_used.swap(false, Ordering::Relaxed);
        let used: Vec<(KeyId, u64)> = keys
            .iter()
            .filter(|(_, usage)| is_used(usage))
            .map(|(key, usage)| (*key, usage.day().untold))
            .collect();
        let mut chunks: Vec<&[(KeyId, u64)]> = used.chunks(MOST_KEYS_AT_ONCE).collect();
        if chunks.is_empty() {
            chunks.push(&[]);
        }
        for chunk in chunks {
            telling.number += 1;
            telling.batches.push_back(Untold {
                number: telling.number,
                day: telling.day,
                used: chunk.to_vec(),
            });
        }
    }

    fn find(&self, key: KeyId) -> Option<Arc<KeyUsage>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(&key).map(Arc::clone)
    }

    fn all(&self) -> HashMap<KeyId, Arc<KeyUsage>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_recorded_is_given_back_and_what_nobody_says_counts() {
        let usage = Arc::new(KeyUsage::default());
        let most = Some(10);
        let reserved = usage.reserve(8, most).unwrap();
        assert_eq!(usage.reported_today(), 8);
        assert_eq!(usage.reserve(3, most).unwrap_err(), QuotaSpent { left: 2 });
        assert_eq!(usage.day().untold, 0, "the store is told of what is recorded");
        reserved.give_back();
        assert_eq!(usage.reported_today(), 0);
        drop(usage.reserve(10, most).unwrap());
        assert_eq!((usage.reported_today(), usage.day().untold), (10, 10));
        assert_eq!(usage.count_reports(1, most), Err(QuotaSpent { left: 0 }));
    }
}
