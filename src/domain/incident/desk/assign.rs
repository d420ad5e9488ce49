//! Which episode belongs to which incident.

use super::beside::{count_of, explained_by_neighbour};
use super::draft::Draft;
use super::{Seen, continued};
use crate::domain::detect::episode::{Episode, State};
use crate::domain::detect::score::score;
use crate::domain::incident::Incident;
use crate::domain::incident::State as Told;
use crate::domain::incident::attribution::Verdict;
use crate::domain::incident::region::Region;
use crate::domain::incident::register::{Case, Register};
use crate::domain::time::{MINUTE_MS, Timestamp};
use std::sync::Arc;

/// An incident that ended at most so long ago goes on where its network fails again at
/// the same place. As long as a detector remembers an episode that is over.
const REOPENS_WITHIN_MS: i64 = 180 * MINUTE_MS;
/// Incidents that are looked through for one that an old episode may belong to.
const MOST_LOOKED_THROUGH: usize = 1_000;

/// Incidents that go on, begin, or begin again, each with its episodes.
pub fn assigned(register: &Register, seen: &[Seen<'_>], now: Timestamp) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = register.open().map(Draft::of).collect();
    let mut strangers: Vec<(usize, &Episode)> = Vec::new();
    for (n, seen) in seen.iter().enumerate().filter(|(_, seen)| !seen.provider.retired) {
        for episode in seen.episodes.iter().filter(|episode| episode.state != State::Possible) {
            match register
                .of_episode(&seen.provider.id, episode.id)
                .map(|known| continued(register, known))
            {
                None => strangers.push((n, episode)),
                // One that begins again is judged anew: its neighbour may have failed
                // since.
                Some(known)
                    if known.state == Told::Resolved && episode.state != State::Resolved =>
                {
                    strangers.push((n, episode));
                }
                Some(known) if known.state.is_open() => {
                    if let Some(draft) = draft_of(&mut drafts, known) {
                        draft.episodes.push((n, episode.clone()));
                    }
                }
                Some(_) => {}
            }
        }
    }
    // The strongest first: a neighbour's failure must be known before what it explains is
    // judged.
    let excess = |episode: &Episode| episode.evidence.observed - episode.evidence.expected;
    strangers.sort_by(|a, b| excess(b.1).total_cmp(&excess(a.1)).then_with(|| a.1.id.cmp(&b.1.id)));
    for (n, episode) in strangers {
        place(register, seen, &mut drafts, (n, episode), now);
    }
    drafts
}

/// The draft of a known incident; none where it was withdrawn.
fn draft_of<'a>(drafts: &'a mut Vec<Draft>, known: &Arc<Incident>) -> Option<&'a mut Draft> {
    if known.state == Told::Withdrawn {
        return None;
    }
    let n = drafts.iter().position(|draft| draft.told.id == known.id).unwrap_or_else(|| {
        drafts.push(Draft::of(known));
        drafts.len() - 1
    });
    Some(&mut drafts[n])
}

/// Finds the incident of an episode that no incident has yet, or begins one.
fn place(
    register: &Register,
    seen: &[Seen<'_>],
    drafts: &mut Vec<Draft>,
    (n, episode): (usize, &Episode),
    now: Timestamp,
) {
    let provider = seen[n].provider;
    let place = region(episode);
    if episode.state == State::Resolved {
        // Over before anybody told of it: news, unless it is an incident that is known by
        // another episode.
        let known = register
            .newest_first(None)
            .take(MOST_LOOKED_THROUGH)
            .any(|case| was_told(case.latest(), &provider.network, episode, &place));
        if !known
            && !was_blamed(register, &provider.id, episode)
            && !explained_by_neighbour(drafts, seen, (n, episode))
        {
            drafts.push(Draft::beginning(&seen[n], n, episode));
        }
        return;
    }
    let mut same_network = drafts.iter_mut().filter(|draft| draft.told.network == provider.network);
    if let Some(draft) = same_network.find(|draft| draft.region().meets(&place)) {
        draft.episodes.push((n, episode.clone()));
        return;
    }
    if explained_by_neighbour(drafts, seen, (n, episode))
        || (!is_strong(&seen[n], episode) && was_blamed(register, &provider.id, episode))
    {
        return;
    }
    let of_this =
        register.of_episode(&provider.id, episode.id).map(|known| continued(register, known));
    let ended_here = |known: &&Arc<Incident>| {
        known.state == Told::Resolved
            && known.network == provider.network
            && known.resolved_at.is_some_and(|ended| now.ms_since(ended) < REOPENS_WITHIN_MS)
            && known.region().meets(&place)
    };
    let recent = || register.newest_first(None).take(MOST_LOOKED_THROUGH).map(Case::latest);
    let again =
        of_this.or_else(|| recent().find(ended_here).map(|known| continued(register, known)));
    match again.and_then(|known| draft_of(drafts, known)) {
        Some(draft) => draft.episodes.push((n, episode.clone())),
        None => drafts.push(Draft::beginning(&seen[n], n, episode)),
    }
}

/// Whether an incident of another network that went on at the same time has explained
/// this provider's reports.
fn was_blamed(register: &Register, provider: &str, episode: &Episode) -> bool {
    let at_the_time = |incident: &Incident| {
        episode.resolved_at.is_none_or(|end| incident.onset <= end)
            && incident.resolved_at.is_none_or(|end| episode.onset <= end)
    };
    let blames = |incident: &Arc<Incident>| {
        incident
            .attributions
            .iter()
            .any(|other| other.provider == provider && other.verdict != Verdict::Own)
    };
    let cases = register
        .newest_first(None)
        .take(MOST_LOOKED_THROUGH)
        .filter(|case| at_the_time(case.latest()));
    cases.flat_map(Case::revisions).any(blames)
}

/// Whether what is reported now would open the episode again.
fn is_strong(seen: &Seen<'_>, episode: &Episode) -> bool {
    let count = count_of(seen, episode);
    count.is_some_and(|count| {
        score(count.observed, count.expected, episode.evidence.dispersion) >= seen.opens_at
    })
}

/// The place of an episode.
#[must_use]
pub fn region(episode: &Episode) -> Region {
    Region::new(&episode.cells, episode.evidence.centre.is_none())
}

/// Whether an incident is what this episode tells of.
fn was_told(incident: &Incident, network: &str, episode: &Episode, place: &Region) -> bool {
    let overlap = episode.resolved_at.is_none_or(|end| incident.onset <= end)
        && incident.resolved_at.is_none_or(|end| episode.onset <= end);
    incident.network == network && overlap && incident.region().meets(place)
}
