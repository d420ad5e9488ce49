//! What a directory holds, for another store to take over.

use super::claims::Record;
pub use super::claims::Remembered;
use super::{Embedded, aged};
use crate::domain::counts::Counts;
use crate::domain::time::{Hour, Minute};
use crate::store::StoreError;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, PoisonError};

/// One hour of one provider.
#[derive(Debug)]
pub enum HourOfProvider {
    /// Its minutes are still kept.
    Minutes(aged::MinuteCounts<Arc<Counts>>),
    /// Only the hour is.
    RolledUp(Counts),
}

impl Embedded {
    /// Ids of providers, in the order of their numbers.
    #[must_use]
    pub fn provider_ids(&self) -> Vec<String> {
        self.writer().providers.clone()
    }

    /// Every hour of which something is kept, oldest first.
    #[must_use]
    pub fn kept_hours(&self) -> BTreeSet<Hour> {
        let live = self.live();
        let of_minutes: BTreeSet<Hour> = live.all().map(|(_, minute, _)| minute.hour()).collect();
        of_minutes
            .into_iter()
            .chain(live.aged.within(Hour(0)..Hour(i64::MAX)).into_iter().map(|(hour, _)| hour))
            .collect()
    }

    /// The last minute that has facts, but for those that were disowned; of those that
    /// have aged, the first of their hour.
    pub(in crate::store) fn newest_minute(&self) -> Option<Minute> {
        let disowned = self.disowned.read().unwrap_or_else(PoisonError::into_inner).clone();
        let live = self.live();
        let aged = live
            .aged
            .within(Hour(0)..Hour(i64::MAX))
            .into_iter()
            .map(|(hour, _)| hour.first_minute());
        live.all()
            .map(|(_, minute, _)| minute)
            .chain(aged)
            .filter(|minute| !disowned.contains(minute))
            .max()
    }

    /// What is kept of an hour of a provider.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn hour_of(&self, provider: u16, hour: Hour) -> Result<HourOfProvider, StoreError> {
        let live = self.live().minutes(provider, hour.minutes()).collect::<Vec<_>>();
        let (_, old) = self.aged.minutes(provider, hour)?;
        let minutes = aged::merged(
            live.into_iter()
                .chain(old.into_iter().map(|(minute, counts)| (minute, Arc::new(counts)))),
        );
        if !minutes.is_empty() {
            return Ok(HourOfProvider::Minutes(minutes));
        }
        let (_, counts) = self.aged.hour(provider, hour)?;
        Ok(HourOfProvider::RolledUp(counts.unwrap_or_default()))
    }

    /// The hours of a provider that have a public twin, oldest first.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn hours_with_twins(&self, provider: u16) -> Result<Vec<Hour>, StoreError> {
        let rules = self.aged.shown_rules(provider, Hour(0)..Hour(i64::MAX))?;
        Ok(rules.into_iter().map(|(hour, _)| hour).collect())
    }

    /// The public twins of a provider's hours as they are stored.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn twins(
        &self,
        provider: u16,
        hours: Range<Hour>,
    ) -> Result<Vec<(Hour, Vec<u8>)>, StoreError> {
        self.aged.shown(provider, hours)
    }

    /// The reporters of one shard that are remembered.
    #[must_use]
    pub fn remembered(&self, shard: usize) -> Vec<Remembered> {
        let bytes = self.writer().claims.shard_bytes(shard);
        bytes
            .as_chunks::<{ Record::BYTES }>()
            .0
            .iter()
            .map(|bytes| Record::from_bytes(bytes).remembered())
            .collect()
    }
}
