//! A draft: an incident as it would be told now, from what was told of it before and the
//! episodes it has now.

use super::{REFRESH_MINUTES, Seen, is_over};
use crate::domain::detect::episode::{Episode, Evidence, State as EpisodeState};
use crate::domain::detect::score::score;
use crate::domain::grid::Cell;
use crate::domain::incident::attribution::Count;
use crate::domain::incident::dating::{Dated, onset, onset_of_brands};
use crate::domain::incident::figures::Figures;
use crate::domain::incident::region::{Region, joined};
use crate::domain::incident::{Brand, Ending, Incident, IncidentId, Method, State};
use crate::domain::time::{MINUTE_MS, Timestamp, Window};
use hashbrown::HashSet;
use std::sync::Arc;

/// A brand without an episode of its own joins the incident of its network where its
/// reports there are as surprising as this: less than what opens an episode, since the
/// network is known to fail.
const JOINS_AT: f64 = 3.0;
/// Reports that it must have for that.
const JOINING_REPORTS: f64 = 3.0;
/// Dispersion of a brand's reports in the cells of an incident.
const JOINING_DISPERSION: f64 = 0.3;
/// A provider of which little is known is told of without reserve from this score on.
const COLD_CONFIRMED_AT: f64 = 12.0;
/// Two detectors tell of the same episode within so long of each other.
const FIRST_WITHIN_MS: i64 = 2 * MINUTE_MS;
/// Reports of so many minutes are held against the greatest rate of windows so long.
const EBB_MINUTES: i64 = 15;
const EBB_AGAINST_MINUTES: [i64; 2] = [60, 120];
/// Below the first part of it the reports have ebbed, above the second they are back.
const EBB_PARTS: (f64, f64) = (0.5, 0.7);
/// Reports that the earlier rate would bring in that time: with fewer, chance looks like
/// ebb.
const EBB_REPORTS: f64 = 20.0;
/// Cells that came or went are news once they are this part of all.
const CELLS_PART: f64 = 0.2;

/// An incident as it would be told now.
#[derive(Debug)]
pub struct Draft {
    /// What would be told.
    pub told: Incident,
    /// Its episodes, with the place of their provider among those seen.
    pub episodes: Vec<(usize, Episode)>,
    before: Option<Arc<Incident>>,
}

impl Draft {
    /// Of an incident that is known.
    pub fn of(known: &Arc<Incident>) -> Self {
        Self { told: (**known).clone(), episodes: Vec::new(), before: Some(Arc::clone(known)) }
    }

    /// Of one that begins with this episode.
    pub fn beginning(seen: &Seen<'_>, n: usize, episode: &Episode) -> Self {
        let provider = seen.provider;
        let told = Incident {
            id: IncidentId::of(&provider.network, &provider.id, episode.id, seen.coin),
            revision: 0,
            known_at: episode.detected_at,
            network: provider.network.clone(),
            state: State::Confirmed,
            detected_at: episode.detected_at,
            onset: episode.onset,
            resolved_at: None,
            ending: None,
            everywhere: episode.evidence.centre.is_none(),
            cells: episode.cells.clone().into(),
            brands: Vec::new(),
            figures: Figures::default(),
            attributions: Vec::new(),
            cause: None,
            method: Method { version: String::new(), parameters: 0, catalogue: 0 },
            naming: None,
        };
        Self { told, episodes: vec![(n, episode.clone())], before: None }
    }

    /// Its place, the episodes that have just come to it included.
    pub fn region(&self) -> Region {
        let cells: Vec<Cell> = self
            .told
            .cells
            .iter()
            .chain(self.episodes.iter().flat_map(|(_, episode)| &episode.cells))
            .copied()
            .collect();
        let everywhere = self.told.everywhere
            || self.episodes.iter().any(|(_, episode)| episode.evidence.centre.is_none());
        Region::new(&cells, everywhere)
    }

    /// Makes what would be told from its episodes.
    pub fn assemble(&mut self, seen: &[Seen<'_>], method: &Method, now: Timestamp) {
        let told = &mut self.told;
        told.revision = self.before.as_ref().map_or(0, |before| before.revision + 1);
        (told.known_at, told.method, told.naming) = (now, method.clone(), None);
        for brand in &mut told.brands {
            let held = self.episodes.iter().any(|(n, _)| seen[*n].provider.id == brand.provider);
            if !held && !brand.episodes.is_empty() && brand.state.is_open() {
                // Its detector knows nothing of it any more: it left the catalogue, or
                // what is known of it has been learnt anew.
                (brand.state, brand.resolved_at) = (State::Resolved, Some(now));
            }
        }
        let mut providers: Vec<usize> = self.episodes.iter().map(|(n, _)| *n).collect();
        providers.dedup();
        for n in providers {
            let episodes: Vec<&Episode> = self
                .episodes
                .iter()
                .filter(|(of, _)| *of == n)
                .map(|(_, episode)| episode)
                .collect();
            take_brand(&mut told.brands, &seen[n].provider.id, &episodes, seen[n].is_cold);
        }
        self.place();
        self.join_siblings(seen, now);
        self.judge(seen, now);
    }

    fn place(&mut self) {
        let told = &mut self.told;
        let open = self
            .episodes
            .iter()
            .filter(|(_, episode)| episode.state != EpisodeState::Resolved)
            .map(|(_, episode)| episode);
        let open: Vec<&Episode> = open.collect();
        if open.iter().any(|episode| episode.evidence.centre.is_none()) {
            told.everywhere = true;
        }
        // What was named stays named: a part that has recovered was still hit.
        let episodes = self.episodes.iter().flat_map(|(_, episode)| &episode.cells);
        let kept = self
            .before
            .iter()
            .filter(|before| !told.everywhere || before.everywhere)
            .flat_map(|before| before.cells.iter());
        let cells = joined(kept.chain(episodes).copied());
        if !cells.is_empty() && told.cells[..] != cells[..] {
            told.cells = cells.into();
        }
        told.onset = onset_of_brands(&told.brands).unwrap_or(told.onset);
    }

    /// Brands of the network that have no episode of their own, and more reports here
    /// than usual.
    fn join_siblings(&mut self, seen: &[Seen<'_>], now: Timestamp) {
        let told = &mut self.told;
        let cells: &[Cell] = if told.everywhere { &[] } else { &told.cells };
        let goes_on =
            told.brands.iter().any(|brand| !brand.episodes.is_empty() && brand.state.is_open());
        let ended = told
            .brands
            .iter()
            .filter(|brand| !brand.episodes.is_empty())
            .filter_map(|brand| brand.resolved_at)
            .max();
        for brand in told.brands.iter_mut().filter(|brand| brand.episodes.is_empty()) {
            brand.state = if goes_on { State::Confirmed } else { State::Resolved };
            brand.resolved_at = if goes_on { None } else { ended.or(Some(now)) };
        }
        if !goes_on {
            return;
        }
        let since_onset = now.ms_since(told.onset) / MINUTE_MS;
        let siblings = seen
            .iter()
            .filter(|seen| seen.provider.network == told.network && !seen.provider.retired);
        for seen in siblings
            .filter(|seen| told.brands.iter().all(|brand| brand.provider != seen.provider.id))
            .collect::<Vec<_>>()
        {
            let counts = (seen.counts)(cells);
            let Some(count) =
                counts.iter().find(|count| since_onset <= count.minutes).or(counts.last())
            else {
                continue;
            };
            let score = score(count.observed, count.expected.max(0.01), JOINING_DISPERSION);
            if count.observed < JOINING_REPORTS || score < JOINS_AT {
                continue;
            }
            let window = Window { from: now.minute().plus(-count.minutes), to: now.minute() };
            let (observed, expected) = (count.observed, count.expected.max(0.01));
            let evidence = Evidence {
                centre: None,
                ring: 0,
                window,
                late_only: false,
                observed,
                expected,
                dispersion: JOINING_DISPERSION,
                score,
            };
            told.brands.push(Brand {
                provider: seen.provider.id.clone(),
                episodes: Vec::new(),
                state: State::Confirmed,
                detected_at: now,
                onset: told.onset,
                resolved_at: None,
                evidence: evidence.into(),
            });
        }
    }

    /// How far it has come, from how far its brands have.
    fn judge(&mut self, seen: &[Seen<'_>], now: Timestamp) {
        let told = &mut self.told;
        let in_catalogue = |provider: &str| {
            seen.iter().any(|seen| seen.provider.id == provider && !seen.provider.retired)
        };
        if told.brands.iter().all(|brand| !in_catalogue(&brand.provider)) {
            (told.state, told.ending, told.resolved_at) =
                (State::Resolved, Some(Ending::Retired), Some(now));
            return;
        }
        let any = |state: State| told.brands.iter().any(|brand| brand.state == state);
        let ended = told.brands.iter().filter_map(|brand| brand.resolved_at).max();
        let ebbs = any(State::Confirmed) && ebbs(told, seen, self.before.as_deref());
        (told.state, told.ending, told.resolved_at) = match ended {
            _ if ebbs => (State::Recovering, None, None),
            _ if any(State::Confirmed) => (State::Confirmed, None, None),
            _ if any(State::Possible) => (State::Possible, None, None),
            Some(ended) if !any(State::Recovering) && is_over(told.onset, ended, now) => {
                (State::Resolved, Some(Ending::Ebbed), Some(ended))
            }
            _ => (State::Recovering, None, None),
        };
    }

    /// Ends it as a part of another.
    pub fn end_as_part_of(&mut self, other: IncidentId) {
        self.told.state = State::Resolved;
        self.told.ending = Some(Ending::Merged(other));
        self.told.resolved_at = Some(self.told.known_at);
    }

    /// Takes over the brands and cells of another.
    pub fn swallow(&mut self, other: &Incident) {
        let told = &mut self.told;
        for brand in &other.brands {
            match told.brands.iter_mut().find(|own| own.provider == brand.provider) {
                Some(own) => {
                    own.episodes.extend(
                        brand
                            .episodes
                            .iter()
                            .filter(|episode| !own.episodes.contains(episode))
                            .copied()
                            .collect::<Vec<_>>(),
                    );
                    own.onset =
                        onset([&*own, brand].into_iter().map(Dated::from)).unwrap_or(own.onset);
                    if brand.state.is_open() {
                        (own.state, own.resolved_at) = (brand.state.min(own.state), None);
                    }
                }
                None => told.brands.push(brand.clone()),
            }
        }
        told.onset = onset_of_brands(&told.brands).unwrap_or(told.onset);
        told.everywhere |= other.everywhere;
        told.cells = joined(told.cells.iter().chain(other.cells.iter()).copied()).into();
    }

    /// Whether anything worth telling differs from what was told before.
    pub fn is_news(&self, now: Timestamp) -> bool {
        let Some(before) = &self.before else { return true };
        let told = &self.told;
        let brands = |incident: &Incident| -> Vec<_> {
            incident
                .brands
                .iter()
                .map(|brand| {
                    (brand.provider.clone(), brand.episodes.clone(), brand.state, brand.resolved_at)
                })
                .collect()
        };
        let minutes = now.ms_since(before.known_at) / MINUTE_MS;
        (told.state, &told.ending, told.everywhere, &told.cause, told.resolved_at)
            != (before.state, &before.ending, before.everywhere, &before.cause, before.resolved_at)
            || told.onset.minute() != before.onset.minute()
            || brands(told) != brands(before)
            || (minutes >= 1 && differ(&told.cells, &before.cells))
            || (minutes >= REFRESH_MINUTES && told.state.is_open())
    }
}

/// Whether its reports come at half the rate of the hours before, or less: some service
/// is back. It has not ebbed any more once they come at most of that rate again. Late
/// reports are left out: they come when service does, and tell of before.
fn ebbs(told: &Incident, seen: &[Seen<'_>], before: Option<&Incident>) -> bool {
    let cells: &[Cell] = if told.everywhere { &[] } else { &told.cells };
    let brands = seen.iter().filter(|seen| {
        told.brand(&seen.provider.id).is_some_and(|brand| !brand.episodes.is_empty())
    });
    let counts: Vec<Vec<Count>> = brands.map(|seen| (seen.counts)(cells)).collect();
    let rate = |minutes: i64| {
        let of_window =
            counts.iter().filter_map(|counts| counts.iter().find(|count| minutes <= count.minutes));
        of_window
            .map(|count| (count.observed - count.late - count.expected) / count.minutes as f64)
            .sum::<f64>()
    };
    let (now, before_now) =
        (rate(EBB_MINUTES), EBB_AGAINST_MINUTES.map(rate).into_iter().fold(0.0, f64::max));
    let bar = if before.is_some_and(|before| before.state == State::Recovering) {
        EBB_PARTS.1
    } else {
        EBB_PARTS.0
    };
    before_now * EBB_MINUTES as f64 >= EBB_REPORTS && now < bar * before_now
}

/// Brings a brand up to date from all episodes of it that belong to the incident.
fn take_brand(brands: &mut Vec<Brand>, provider: &str, episodes: &[&Episode], is_cold: bool) {
    let strongest = episodes
        .iter()
        .max_by(|a, b| a.evidence.score.total_cmp(&b.evidence.score))
        .expect("a provider with episodes has one");
    let open: Vec<EpisodeState> = episodes
        .iter()
        .map(|episode| episode.state)
        .filter(|state| *state != EpisodeState::Resolved)
        .collect();
    let state = if open.contains(&EpisodeState::Confirmed) {
        if is_cold && strongest.evidence.score < COLD_CONFIRMED_AT {
            State::Possible
        } else {
            State::Confirmed
        }
    } else if open.is_empty() {
        State::Resolved
    } else {
        State::Recovering
    };
    let resolved_at = if open.is_empty() {
        episodes.iter().filter_map(|episode| episode.resolved_at).max()
    } else {
        None
    };
    let onset =
        onset(episodes.iter().copied().map(Dated::from)).expect("a provider with episodes has one");
    if let Some(brand) = brands.iter_mut().find(|brand| brand.provider == provider) {
        let new: Vec<u64> = episodes
            .iter()
            .map(|episode| episode.id)
            .filter(|id| !brand.episodes.contains(id))
            .collect();
        let had_own = !brand.episodes.is_empty();
        brand.episodes.extend(new);
        (brand.state, brand.resolved_at) = (state, resolved_at);
        // Episodes that were over long ago are not seen any more: then only stronger
        // evidence makes the onset earlier. One that was told as early as the brand is
        // its first one, whatever another node's detector had called it; and what the
        // network lent is given up for what the brand has.
        let told = episodes
            .iter()
            .map(|episode| episode.detected_at)
            .min()
            .expect("a provider with episodes has one");
        let has_first = told.ms_since(brand.detected_at) <= FIRST_WITHIN_MS;
        let is_stronger = brand.evidence.strength() <= strongest.evidence.score;
        if has_first || !had_own {
            brand.onset = onset;
        } else if is_stronger {
            brand.onset = brand.onset.min(strongest.onset);
        }
        if is_stronger || !had_own {
            brand.evidence = strongest.evidence.into();
        }
        return;
    }
    let detected_at = episodes
        .iter()
        .map(|episode| episode.detected_at)
        .min()
        .expect("a provider with episodes has one");
    let episodes = episodes.iter().map(|episode| episode.id).collect();
    brands.push(Brand {
        provider: provider.to_owned(),
        episodes,
        state,
        detected_at,
        onset,
        resolved_at,
        evidence: strongest.evidence.into(),
    });
}

/// Whether a good part of the cells is in one of them only.
fn differ(a: &[Cell], b: &[Cell]) -> bool {
    let (of_a, of_b): (HashSet<Cell>, HashSet<Cell>) =
        (a.iter().copied().collect(), b.iter().copied().collect());
    of_a.symmetric_difference(&of_b).count() as f64 > CELLS_PART * b.len() as f64
}
