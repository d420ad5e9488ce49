//! How every provider is doing now.

use super::cache::Weight;
use super::shown::reader::Reader;
use crate::domain::provider::ProviderIndex;
use crate::domain::symptom::Symptom;
use crate::domain::time::{Timestamp, Window};
use crate::store::StoreError;
use futures_util::stream::{self, StreamExt, TryStreamExt};

/// How many minutes "now" means.
pub const NOW_MINUTES: i64 = 15;
/// Providers whose facts are read at the same time.
const READ_AT_ONCE: usize = 32;
/// Symptoms that are named at most.
const TOP_SYMPTOMS: usize = 3;

/// How one provider is doing.
#[derive(Debug, Clone, Default)]
pub struct ProviderNow {
    /// Reports of problems in the last [`NOW_MINUTES`] minutes.
    pub count: u64,
    /// What was reported most, most first.
    pub top_symptoms: Vec<(Symptom, u64)>,
}

/// How all providers are doing, by their place in the catalogue.
#[derive(Debug)]
pub struct ProvidersNow {
    /// When this was looked up.
    pub as_of: Timestamp,
    /// Over which minutes.
    pub window: Window,
    /// One a provider.
    pub providers: Vec<ProviderNow>,
}

impl Weight for ProvidersNow {
    fn bytes(&self) -> usize {
        self.providers.capacity()
            * (size_of::<ProviderNow>() + TOP_SYMPTOMS * size_of::<(Symptom, u64)>())
    }
}

/// Looks up how the first `providers` of the catalogue are doing.
///
/// # Errors
/// Where the store cannot be read.
pub async fn build(
    reader: Reader,
    providers: usize,
    now: Timestamp,
) -> Result<ProvidersNow, StoreError> {
    let window = Window::ending_at(now, NOW_MINUTES);
    let all = (0..providers).map(|index| of(&reader, ProviderIndex(index as u16), window));
    let providers = stream::iter(all).buffered(READ_AT_ONCE).try_collect().await?;
    Ok(ProvidersNow { as_of: now, window, providers })
}

async fn of(
    reader: &Reader,
    provider: ProviderIndex,
    window: Window,
) -> Result<ProviderNow, StoreError> {
    let by_symptom = reader.totals(provider, window.from..window.to).await?;
    let count = by_symptom.values().sum();
    let mut top_symptoms: Vec<_> = by_symptom.into_iter().collect();
    top_symptoms.sort_by_key(|(symptom, count)| (std::cmp::Reverse(*count), *symptom));
    top_symptoms.truncate(TOP_SYMPTOMS);
    Ok(ProviderNow { count, top_symptoms })
}
