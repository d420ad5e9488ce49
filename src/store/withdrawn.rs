//! Facts that were withdrawn: they stay at rest, and no reader sees them.

use crate::domain::counts::Counts;
use crate::domain::fact::Source;
use crate::domain::provider::ProviderIndex;
use crate::domain::time::{Hour, Minute, Window};
use std::sync::Arc;

/// Facts of one source over an interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Withdrawn {
    /// Whose.
    pub source: Source,
    /// In which minutes.
    pub window: Window,
    /// About whom; about all where it is none.
    pub provider: Option<ProviderIndex>,
}

impl Withdrawn {
    fn is_about(&self, provider: ProviderIndex) -> bool {
        self.provider.is_none_or(|about| about == provider)
    }
}

/// The minutes of a provider without what was withdrawn.
pub fn from_minutes(
    withdrawn: &[Withdrawn],
    provider: ProviderIndex,
    minutes: &mut Vec<(Minute, Arc<Counts>)>,
) {
    for (minute, counts) in minutes.iter_mut() {
        let minute = *minute;
        take_from(
            counts,
            withdrawn.iter().filter(|one| one.is_about(provider) && one.window.contains(minute)),
        );
    }
    minutes.retain(|(_, counts)| !counts.is_empty());
}

/// The hours of a provider without what was withdrawn. Of an hour that an interval cuts,
/// all of that source goes: what is learnt of it must not be spoiled, and which of its
/// reports belong to which minute is not kept.
pub fn from_hours(
    withdrawn: &[Withdrawn],
    provider: ProviderIndex,
    hours: &mut Vec<(Hour, Arc<Counts>)>,
) {
    for (hour, counts) in hours.iter_mut() {
        let minutes = hour.minutes();
        let cuts = |one: &&Withdrawn| {
            one.is_about(provider) && one.window.from < minutes.end && minutes.start < one.window.to
        };
        take_from(counts, withdrawn.iter().filter(cuts));
    }
    hours.retain(|(_, counts)| !counts.is_empty());
}

fn take_from<'a>(counts: &mut Arc<Counts>, withdrawn: impl Iterator<Item = &'a Withdrawn>) {
    let sources: Vec<Source> = withdrawn.map(|one| one.source).collect();
    if !sources.is_empty() && counts.rows().any(|(key, _)| sources.contains(&key.source())) {
        *counts = Arc::new(Counts::from_rows(
            counts.rows().filter(|(key, _)| !sources.contains(&key.source())).collect(),
        ));
    }
}
