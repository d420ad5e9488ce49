//! Public twins of hours, in the database of what has aged.

use super::Embedded;
use super::aged::Aged;
use crate::domain::provider::ProviderIndex;
use crate::domain::time::Hour;
use crate::store::StoreError;
use crate::store::shown_hour::{KeptShownHour, ShownHour};
use std::ops::Range;
use std::sync::Arc;

impl Embedded {
    pub(in crate::store) async fn keep_shown_hour(
        &self,
        provider: ProviderIndex,
        hour: Hour,
        twin: Vec<u8>,
    ) -> Result<(), StoreError> {
        let number = self.number(provider);
        self.with_aged(move |aged| aged.keep_shown(number, hour, &twin)).await
    }

    pub(in crate::store) async fn shown_hours(
        &self,
        provider: ProviderIndex,
        hours: Range<Hour>,
    ) -> Result<Vec<(Hour, ShownHour)>, StoreError> {
        let number = self.number(provider);
        self.with_aged(move |aged| {
            let twins = aged.shown(number, hours)?;
            let read =
                |(hour, twin): &(Hour, Vec<u8>)| Ok((*hour, ShownHour::from_bytes(*hour, twin)?));
            twins.iter().map(read).collect()
        })
        .await
    }

    pub(in crate::store) async fn shown_hours_kept(
        &self,
        provider: ProviderIndex,
        hours: Range<Hour>,
    ) -> Result<Vec<KeptShownHour>, StoreError> {
        let number = self.number(provider);
        self.with_aged(move |aged| {
            let rules = aged.shown_rules(number, hours)?;
            rules.iter().map(|(hour, rule)| KeptShownHour::from_bytes(*hour, rule)).collect()
        })
        .await
    }

    /// Works with the database where waiting for a disk holds up nobody.
    async fn with_aged<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Aged) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let aged = Arc::clone(&self.aged);
        tokio::task::spawn_blocking(move || work(&aged))
            .await
            .map_err(|error| StoreError::Unavailable(error.to_string()))?
    }
}
