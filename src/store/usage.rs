//! What keys are used for: each node adds what came through it, and learns what came
//! through all. Counted for quotas, not for the record: the embedded store may forget the
//! last minute when it is killed.

use super::journal::NodeId;
use super::{Kind, Store, StoreError};
use crate::domain::access::key::KeyId;
use std::collections::HashMap;

/// Keys that are told of at once at most.
pub const MOST_KEYS_AT_ONCE: usize = 1_000;
/// For how long after it last told of itself a node counts as there.
pub const NODE_SEEN_MS: i64 = 10_000;
/// Days of which counts are kept, before today.
pub const DAYS_KEPT: i64 = 2;

/// What keys were used for through one node, since it last told.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// Which node.
    pub node: NodeId,
    /// Which of its batches: one with the number of the last is that one again, whose
    /// answer was lost, and counts nothing.
    pub number: u64,
    /// The day of UTC, counted from 1970-01-01.
    pub day: i64,
    /// Each key that was used, and how many reports it sent. At most
    /// [`MOST_KEYS_AT_ONCE`].
    pub used: &'a [(KeyId, u64)],
}

/// What all nodes together have told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Reports of the day, for each key of the batch, in its order.
    pub today: Vec<u64>,
    /// Nodes that told something within [`NODE_SEEN_MS`], by the store's clock.
    pub nodes: u32,
}

/// What is known of all keys that were ever used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageByKey {
    /// Reports of the day that was asked for.
    pub today: HashMap<KeyId, u64>,
    /// The last day of use, counted from 1970-01-01.
    pub last_used_day: HashMap<KeyId, i64>,
}

impl UsageByKey {
    /// Reports of one key on the day that was asked for, and its last day of use.
    #[must_use]
    pub fn of(&self, key: KeyId) -> (u64, Option<i64>) {
        (self.today.get(&key).copied().unwrap_or_default(), self.last_used_day.get(&key).copied())
    }
}

impl Store {
    /// Adds a batch to the counts of its day, and says that its node is there.
    ///
    /// # Errors
    /// Where it is not known whether it was added: the same batch may be sent again.
    pub async fn add_usage(&self, batch: Batch<'_>) -> Result<Told, StoreError> {
        match &self.kind {
            Kind::Embedded(store) => Ok(store.add_usage(batch)),
            Kind::Redis(store) => store.add_usage(batch).await,
        }
    }

    /// Reports of a day, and the last day of use, by key.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn usage_by_key(&self, day: i64) -> Result<UsageByKey, StoreError> {
        match &self.kind {
            Kind::Embedded(store) => Ok(store.usage_by_key(day)),
            Kind::Redis(store) => store.usage_by_key(day).await,
        }
    }
}
