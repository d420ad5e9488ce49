//! What the detectors follow, and followed not long ago: episodes by provider, as they
//! were last told.

use crate::domain::detect::episode::Episode;
use crate::domain::provider::ProviderIndex;
use crate::domain::time::{MINUTE_MS, Timestamp};
use std::collections::BTreeMap;

/// Episodes that are over are remembered so long: longer than one may begin again, and
/// than an incident is held open.
const REMEMBERED_MS: i64 = 6 * 60 * MINUTE_MS;

/// Episodes by provider and id.
#[derive(Debug, Clone, Default)]
pub struct ActiveClusters {
    episodes: BTreeMap<(ProviderIndex, u64), Episode>,
}

impl ActiveClusters {
    /// Takes what a tick told.
    pub fn take(&mut self, told: Vec<(ProviderIndex, Episode)>) {
        for (provider, episode) in told {
            self.episodes.insert((provider, episode.id), episode);
        }
    }

    /// Forgets what was over long before `now`.
    pub fn forget(&mut self, now: Timestamp) {
        self.episodes.retain(|_, episode| {
            episode.resolved_at.is_none_or(|ended| now.ms_since(ended) < REMEMBERED_MS)
        });
    }

    /// Those of one provider.
    pub fn of(&self, provider: ProviderIndex) -> impl Iterator<Item = &Episode> {
        self.episodes.range((provider, 0)..=(provider, u64::MAX)).map(|(_, episode)| episode)
    }

    /// All of them, whatever their provider.
    pub fn all(&self) -> impl Iterator<Item = (ProviderIndex, &Episode)> {
        self.episodes.iter().map(|((provider, _), episode)| (*provider, episode))
    }
}
