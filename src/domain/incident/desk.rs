//! The desk: what the detectors follow in, revisions of incidents out.
//!
//! It looks at states, not at events: what is known is compared with what the detectors
//! hold now. A node that takes over, a restart, a message lost on the way therefore
//! change nothing but what has really changed.

mod assign;
mod beside;
mod draft;

use super::attribution::Count;
use super::entry::Void;
use super::register::Register;
use super::{Ending, Incident, Method, State};
use crate::domain::detect::episode::Episode;
use crate::domain::grid::Cell;
use crate::domain::privacy::coin::Coin;
use crate::domain::provider::Provider;
use crate::domain::time::{MINUTE_MS, Timestamp};
pub use assign::region;
use draft::Draft;
use std::fmt;
use std::sync::Arc;

/// An incident is believed to be over after it has been silent for half as long as it
/// lasted, within these bounds: outages flap, and on 8 July 2022 none of a day's
/// recoveries lasted an hour.
const HOLD_MINUTES: (i64, i64) = (15, 60);
/// An incident that goes on is told anew at least so often, since its figures grow.
const REFRESH_MINUTES: i64 = 10;

/// What the detector of one provider has to say.
pub struct Seen<'a> {
    /// Whose.
    pub provider: &'a Provider,
    /// Its episodes, as they were last told: those it follows, and those that ended not
    /// long ago.
    pub episodes: Vec<Episode>,
    /// Whether too little is known of its quiet days.
    pub is_cold: bool,
    /// The score that opens an episode of it.
    pub opens_at: f64,
    /// What blinds the names of incidents that begin; none where nobody else reads them.
    pub coin: Option<&'a Coin>,
    /// Counts its reports in these cells (everywhere where there are none), in windows
    /// that end now, shortest first.
    pub counts: Box<dyn Fn(&[Cell]) -> Vec<Count> + Send + 'a>,
}

impl fmt::Debug for Seen<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen")
            .field("provider", &self.provider.id)
            .field("episodes", &self.episodes)
            .finish_non_exhaustive()
    }
}

/// The revisions that should be told now: new incidents, and known ones that have
/// changed. Their figures are those of the revision before.
#[must_use]
pub fn drafts(
    register: &Register,
    seen: &[Seen<'_>],
    method: &Method,
    now: Timestamp,
) -> Vec<Incident> {
    let mut drafts = assign::assigned(register, seen, now);
    for draft in &mut drafts {
        draft.assemble(seen, method, now);
    }
    merge(&mut drafts);
    beside::causes(&mut drafts, seen);
    let due: Vec<bool> = drafts.iter().map(|draft| draft.is_news(now)).collect();
    beside::attributions(&mut drafts, &due, seen);
    drafts.into_iter().zip(due).filter(|(_, due)| *due).map(|(draft, _)| draft.told).collect()
}

/// The revision that takes back an incident for which nothing speaks without the reports
/// that were voided.
#[must_use]
pub fn withdrawn(incident: &Incident, void: &Void, now: Timestamp) -> Incident {
    let mut told = incident.clone();
    told.revision += 1;
    told.known_at = now;
    told.naming = None;
    told.state = State::Withdrawn;
    told.ending = Some(Ending::Withdrawn(void.reason.clone()));
    told.resolved_at = told.resolved_at.or(Some(now));
    for brand in &mut told.brands {
        brand.state = State::Withdrawn;
        brand.resolved_at = brand.resolved_at.or(Some(now));
    }
    told
}

/// Lets incidents of one network that have come to share a place go on as one: the one
/// that was told first.
fn merge(drafts: &mut [Draft]) {
    for later in 0..drafts.len() {
        for first in 0..drafts.len() {
            let key = |n: usize| (drafts[n].told.detected_at, drafts[n].told.id);
            let both_open = [first, later].iter().all(|n| drafts[*n].told.state.is_open());
            let one_network = drafts[first].told.network == drafts[later].told.network;
            if both_open
                && one_network
                && key(first) < key(later)
                && drafts[first].region().intersects(&drafts[later].region())
            {
                let other = drafts[later].told.clone();
                drafts[later].end_as_part_of(drafts[first].told.id);
                drafts[first].swallow(&other);
            }
        }
    }
}

/// Whether silence since `ended` is long enough, for an incident that began at `onset`,
/// to believe that it is over.
fn is_over(onset: Timestamp, ended: Timestamp, now: Timestamp) -> bool {
    let (least, most) = HOLD_MINUTES;
    let hold = (ended.ms_since(onset) / 2).clamp(least * MINUTE_MS, most * MINUTE_MS);
    ended.plus_ms(hold) <= now
}

/// The incident that a known one goes on in, where it was merged.
fn continued<'a>(register: &'a Register, mut incident: &'a Arc<Incident>) -> &'a Arc<Incident> {
    // Merges go to one told earlier, so this ends.
    while let Some(Ending::Merged(into)) = incident.ending
        && let Some(case) = register.get(into)
    {
        incident = case.latest();
    }
    incident
}
