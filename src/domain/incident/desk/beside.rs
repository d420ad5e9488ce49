//! What incidents have to do with each other: neighbours that are blamed, services that
//! are taken along.

use super::Seen;
use super::draft::Draft;
use crate::domain::detect::episode::Episode;
use crate::domain::detect::score::score;
use crate::domain::grid::{Cell, Resolution};
use crate::domain::incident::Cause;
use crate::domain::incident::attribution::{Attribution, Beside, Count, Verdict, Victim, beside};
use crate::domain::incident::region::{Region, joined};
use crate::domain::provider::Category;
use crate::domain::time::MINUTE_MS;

/// The excess of a neighbour is the greatest of these windows: blame outlasts the
/// failure.
const LONGEST_MINUTES: i64 = 240;
/// Attributions of one incident at most, those with most reports first.
const MOST_ATTRIBUTIONS: usize = 20;
/// Reports of another provider are worth a word from this score on.
const WORTH_A_WORD: f64 = 2.0;
/// Dispersion of another provider's reports in the cells of an incident.
const DISPERSION: f64 = 0.1;
/// Cells of some forty kilometres.
const JUDGED_RESOLUTION: Resolution = Resolution::ALL[4];
/// Attributions are judged over at most so many minutes.
const JUDGED_MINUTES: i64 = 120;
/// A service may be heard of so much earlier than what takes it along.
const EARLIER_MS: i64 = 30 * MINUTE_MS;

/// Whether the reports of this episode are no more than what a healthy carrier is blamed
/// for beside an incident that goes on.
pub fn explained_by_neighbour(
    drafts: &[Draft],
    seen: &[Seen<'_>],
    (n, episode): (usize, &Episode),
) -> bool {
    let own = &seen[n];
    let zone = zone_of(episode);
    let Some(count) = count_of(own, episode) else { return false };
    drafts
        .iter()
        .filter(|draft| draft.told.network != own.provider.network && !is_service_of(own, draft))
        .any(|draft| {
            let here = victim(draft, seen, own, &zone, count);
            match beside(count, episode.evidence.dispersion, &here) {
                // It has ebbed away while its neighbour fails: what there was of it was
                // blame.
                Some(beside) if beside.score < own.opens_at => true,
                _ => is_blame_by_chance(draft, seen, own, (episode, &zone), count),
            }
        })
}

/// Whether the provider is merely blamed in the whole of an incident that this place lies
/// in, and has no more reports here than chance brings of that blame: of the many towns
/// in which it is blamed some bring three reports at once, and the neighbour that fails
/// happens to have none there.
fn is_blame_by_chance(
    draft: &Draft,
    seen: &[Seen<'_>],
    own: &Seen<'_>,
    (episode, place): (&Episode, &[Cell]),
    count: Count,
) -> bool {
    let everywhere = draft.told.everywhere;
    let all = if everywhere {
        Vec::new()
    } else {
        joined(draft.told.cells.iter().map(|cell| cell.rolled_up_to(JUDGED_RESOLUTION)))
    };
    let region = Region::new(&all, everywhere);
    if place.is_empty() || !place.iter().all(|cell| region.contains(*cell)) {
        return false;
    }
    let Some(in_all) =
        (own.counts)(&all).into_iter().find(|in_all| in_all.minutes == count.minutes)
    else {
        return false;
    };
    let victim = victim(draft, seen, own, &all, in_all);
    let Some(blamed) =
        beside(in_all, DISPERSION, &victim).filter(|blamed| blamed.score < own.opens_at)
    else {
        return false;
    };
    let share = count.expected / in_all.expected.max(count.expected);
    let expected = count.expected + share * (blamed.expected - in_all.expected);
    score(count.observed, expected, episode.evidence.dispersion.max(DISPERSION)) < own.opens_at
}

/// The place of an episode, coarsely: the cells that it names are those in which this
/// provider is reported, and its neighbour may be beside.
fn zone_of(episode: &Episode) -> Vec<Cell> {
    let Some(centre) = episode.evidence.centre else { return Vec::new() };
    let zone = centre.disk(episode.evidence.ring).into_iter().map(|(cell, _)| cell);
    joined(
        zone.chain(episode.cells.iter().copied()).map(|cell| cell.rolled_up_to(JUDGED_RESOLUTION)),
    )
}

/// What is counted there now, in a window as long as that which opened it.
pub fn count_of(own: &Seen<'_>, episode: &Episode) -> Option<Count> {
    let minutes = episode.evidence.window.to.0 - episode.evidence.window.from.0;
    (own.counts)(&zone_of(episode)).into_iter().find(|count| minutes <= count.minutes)
}

/// Points each incident of a service at the one that took it along.
pub fn causes(drafts: &mut [Draft], seen: &[Seen<'_>]) {
    let found: Vec<Option<Cause>> = drafts.iter().map(|draft| cause(draft, drafts, seen)).collect();
    for (draft, cause) in drafts.iter_mut().zip(found) {
        if cause.is_some() {
            draft.told.cause = cause;
        }
    }
}

fn cause(draft: &Draft, drafts: &[Draft], seen: &[Seen<'_>]) -> Option<Cause> {
    let own = draft
        .told
        .brands
        .iter()
        .filter_map(|brand| seen.iter().find(|seen| seen.provider.id == brand.provider));
    let needs: Vec<&String> = own.flat_map(|seen| &seen.provider.depends_on).collect();
    let others = drafts
        .iter()
        .filter(|other| other.told.network != draft.told.network && other.told.state.is_open());
    let mut met = others.filter(|other| {
        other.told.onset.ms_since(draft.told.onset) <= EARLIER_MS
            && other.region().meets(&draft.region())
    });
    met.find_map(|other| {
        let provider = needs.iter().find(|needed| other.told.brand(needed).is_some())?;
        Some(Cause { incident: other.told.id, provider: (*provider).clone() })
    })
}

/// Says of each incident that is told what other providers' reports there mean.
pub fn attributions(drafts: &mut [Draft], due: &[bool], seen: &[Seen<'_>]) {
    let found: Vec<Vec<Attribution>> = drafts
        .iter()
        .zip(due)
        .map(|(draft, due)| if *due { attributed(draft, drafts, seen) } else { Vec::new() })
        .collect();
    for ((draft, due), found) in drafts.iter_mut().zip(due).zip(found) {
        // Of one that is over, what was said while it went on stays.
        if *due && draft.told.state.is_open() {
            draft.told.attributions = found;
        }
    }
}

fn attributed(draft: &Draft, drafts: &[Draft], seen: &[Seen<'_>]) -> Vec<Attribution> {
    let told = &draft.told;
    let cells: &[Cell] = if told.everywhere { &[] } else { &told.cells };
    let since_onset = (told.known_at.ms_since(told.onset) / MINUTE_MS).min(JUDGED_MINUTES);
    let mut found: Vec<Attribution> = Vec::new();
    for own in
        seen.iter().filter(|own| own.provider.network != told.network && !own.provider.retired)
    {
        let counts = (own.counts)(cells);
        let Some(count) = counts.iter().find(|count| since_onset <= count.minutes) else {
            continue;
        };
        if score(count.observed, count.expected.max(0.01), DISPERSION) < WORTH_A_WORD {
            continue;
        }
        let victim = victim(draft, seen, own, cells, *count);
        let excess = victim.count.observed - victim.count.expected;
        let is_other = |other: &&Draft| {
            other.told.state.is_open()
                && ![&told.network, &own.provider.network].contains(&&other.told.network)
        };
        let of_other = |other: &Draft| {
            let count = self::victim(other, seen, own, cells, *count).count;
            count.observed - count.expected
        };
        if drafts.iter().filter(is_other).any(|other| of_other(other) > excess) {
            // Another failure explains more of it, and says so.
            continue;
        }
        let Some(Beside { expected, share, score }) = beside(*count, DISPERSION, &victim) else {
            continue;
        };
        let is_flagged = drafts.iter().any(|other| {
            other.told.state.is_open() && other.told.brand(&own.provider.id).is_some()
        });
        let verdict = if depends(own, draft) {
            Verdict::Dependent
        } else if is_flagged {
            Verdict::Own
        } else {
            Verdict::Collateral
        };
        found.push(Attribution {
            provider: own.provider.id.clone(),
            verdict,
            minutes: count.minutes,
            observed: count.observed,
            expected: Some(count.expected),
            expected_beside: Some(expected),
            share: Some(share),
            score: Some(score),
        });
    }
    found.sort_by(|a, b| {
        b.observed.total_cmp(&a.observed).then_with(|| a.provider.cmp(&b.provider))
    });
    found.truncate(MOST_ATTRIBUTIONS);
    found
}

/// Whether it is a service, such as payments, that depends on the failing network: nobody
/// takes it for a carrier, and what is reported of it, it does itself. A carrier on
/// another's masts may still be mistaken for it.
fn is_service_of(own: &Seen<'_>, draft: &Draft) -> bool {
    own.provider.category == Category::Service && depends(own, draft)
}

fn depends(own: &Seen<'_>, draft: &Draft) -> bool {
    let of_network = |id: &String| draft.told.network == *id || draft.told.brand(id).is_some();
    own.provider.depends_on.iter().any(of_network)
}

/// What is counted of a failing network beside another provider, in the same cells, over
/// a window as long.
fn victim(
    draft: &Draft,
    seen: &[Seen<'_>],
    own: &Seen<'_>,
    cells: &[Cell],
    count: Count,
) -> Victim {
    let brands = || seen.iter().filter(|seen| seen.provider.network == draft.told.network);
    let everywhere =
        |seen: &Seen<'_>| (seen.counts)(&[]).last().map_or(0.0, |count| count.expected);
    let size = brands().map(everywhere).sum::<f64>() / everywhere(own).max(1e-9);
    Victim { count: strongest(brands().map(|seen| (seen.counts)(cells)), count.minutes), size }
}

/// The window with the greatest excess a minute, brought to a window of so many minutes.
fn strongest(brands: impl Iterator<Item = Vec<Count>>, minutes: i64) -> Count {
    let mut sums: Vec<Count> = Vec::new();
    for counts in brands {
        if sums.is_empty() {
            sums = counts;
            continue;
        }
        for (sum, count) in sums.iter_mut().zip(counts) {
            (sum.observed, sum.expected) =
                (sum.observed + count.observed, sum.expected + count.expected);
        }
    }
    let scaled = |count: &Count| {
        let by = minutes as f64 / count.minutes as f64;
        Count {
            minutes,
            observed: count.observed * by,
            late: count.late * by,
            expected: count.expected * by,
        }
    };
    let windows =
        sums.iter().filter(|count| count.minutes <= LONGEST_MINUTES.max(minutes)).map(scaled);
    let none = Count { minutes, observed: 0.0, late: 0.0, expected: 0.0 };
    windows
        .max_by(|a, b| (a.observed - a.expected).total_cmp(&(b.observed - b.expected)))
        .unwrap_or(none)
}
