//! Migration: everything that a directory holds, into a Redis. Cut off at any moment,
//! it goes on where it was.

use super::StoreError;
use super::embedded::Embedded;
use super::embedded::export::HourOfProvider;
use super::journal::{JournalName, Piece, Position, Tail};
use super::places::{MOST_AT_ONCE as PLACES_AT_ONCE, Place, PlaceKey};
use super::redis::Redis;
use super::tally64::Tally64;
use super::upgrade::Carry;
use crate::domain::provider::{Catalogue, CatalogueError, Provider, ProviderIndex};
use crate::domain::time::Hour;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Public twins that are read and written at once.
const TWINS_AT_ONCE: usize = 24;

/// What was copied, as it was found at both ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Reports that minutes tell of, each lane counted.
    pub in_minutes: Tally64,
    /// Reports of hours whose minutes are kept no longer.
    pub in_hours: Tally64,
    /// Reporters remembered.
    pub reporters: u64,
    /// The journal of incidents.
    pub journal: Entries,
    /// The ledger.
    pub ledger: Entries,
    /// Public twins of hours.
    pub shown_hours: Entries,
    /// Places of incidents.
    pub places: Entries,
    /// Entries of the journal of incidents that were written anew, since an older version
    /// wrote what was copied.
    pub carried_over: u64,
}

/// Entries of a journal, twins of hours or places, together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Entries {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
    /// CRC-32 of all that they say, in order.
    pub crc: u32,
}

/// Why a copy is not whole.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of the stores failed; the same command goes on from here.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The other end holds something else.
    #[error(
        "the copy differs from what was copied: {original:?} became {copy:?}; empty the copy and \
         begin again"
    )]
    Differs {
        /// What was copied.
        original: Box<Totals>,
        /// What is there.
        copy: Box<Totals>,
    },
}

/// A catalogue of what a directory holds, whatever catalogue it was filled with.
///
/// # Errors
/// Where it holds nothing of anybody.
pub fn catalogue_of(from: &Embedded) -> Result<Catalogue, CatalogueError> {
    Catalogue::new(from.provider_ids().into_iter().map(Provider::of_id).collect())
}

/// Copies all, then compares both ends. `catalogue` is that of [`catalogue_of`]; `carry` is
/// for entries of an older format; `progress` is told how many pieces are done, of how many.
///
/// # Errors
/// Where a store fails, or the copy differs.
pub async fn copy(
    from: &Embedded,
    catalogue: &Catalogue,
    to: &Redis,
    carry: &Carry,
    mut progress: impl FnMut(usize, usize),
) -> Result<Totals, CopyError> {
    let done = to.copied().await?;
    let hours: Vec<Hour> = from.kept_hours().into_iter().collect();
    let index: Arc<Vec<ProviderIndex>> =
        Arc::new(catalogue.iter().map(|(index, _)| index).collect());
    let shards = 0..super::SHARDS as usize;
    let pieces = hours.len() + shards.len() + JournalName::ALL.len() + index.len() + 2;
    let (mut original, mut places) = (Totals::default(), BTreeMap::new());
    for (n, hour) in hours.iter().enumerate() {
        let piece = format!("hour {}", hour.0);
        for provider in &*index {
            let content = from.hour_of(provider.0, *hour)?;
            original.add(&content);
            if !done.contains(&piece) {
                to.put_hour(*provider, *hour, content).await?;
            }
        }
        finish(to, &done, piece).await?;
        progress(n + 1, pieces);
    }
    // A claim comes with its fact, so none that matters was written later.
    let last_hour = hours.last().copied().unwrap_or(Hour(0));
    for shard in shards {
        let (piece, claims) = (format!("reporters {shard}"), from.remembered(shard));
        original.reporters += claims.len() as u64;
        if !done.contains(&piece) {
            to.put_claims(claims, Arc::clone(&index), last_hour).await?;
        }
        finish(to, &done, piece).await?;
        progress(hours.len() + shard + 1, pieces);
    }
    for (n, name) in (1..).zip(JournalName::ALL) {
        let piece = piece_of(name);
        let carry = (name == JournalName::Incidents).then_some(carry);
        let carried = copy_journal(from, to, (name, carry), done.contains(piece)).await?;
        *original.of(name) = carried.entries;
        original.carried_over += carried.anew;
        places.extend(carried.places);
        finish(to, &done, piece.to_owned()).await?;
        progress(hours.len() + super::SHARDS as usize + n, pieces);
    }
    let before = hours.len() + super::SHARDS as usize + JournalName::ALL.len();
    for (n, provider) in (1..).zip(&*index) {
        let piece = format!("shown hours {}", provider.0);
        copy_shown_hours(from, to, *provider, done.contains(&piece), &mut original).await?;
        finish(to, &done, piece).await?;
        progress(before + n, pieces);
    }
    copy_places(from, to, done.contains("places"), (places, &mut original)).await?;
    finish(to, &done, "places".to_owned()).await?;
    progress(before + index.len() + 1, pieces);
    if let Some(fingerprint) = from.catalogue_before() {
        to.put_catalogue(fingerprint).await?;
    }
    to.put_liveness(from.liveness().spans().to_vec()).await?;
    to.put_last_used(from.usage_by_key(0).last_used_day).await?;
    // Reporters were looked up as they were written.
    let Totals { reporters, carried_over, .. } = original;
    let mut copy = Totals { reporters, carried_over, ..Totals::default() };
    for hour in hours {
        for provider in &*index {
            let (in_minutes, in_hours) = to.totals_of(*provider, hour).await?;
            copy.in_minutes.add(in_minutes);
            copy.in_hours.add(in_hours);
        }
    }
    for name in JournalName::ALL {
        let mut position = Position::START;
        while let Some(piece) = next(to.journal(name, position).await?, position)? {
            copy.of(name).add(&piece);
            position = piece.end;
        }
    }
    for provider in &*index {
        let hours = to.hours_with_twins(*provider).await?;
        for some in hours.chunks(TWINS_AT_ONCE) {
            copy.shown_hours.add_twins(*provider, &to.twins(*provider, some.to_vec()).await?);
        }
    }
    for some in to.places_since(0).await?.chunks(PLACES_AT_ONCE) {
        copy.places.add_places(&found(some, to.places(some.to_vec()).await?));
    }
    if copy != original {
        return Err(CopyError::Differs { original: Box::new(original), copy: Box::new(copy) });
    }
    to.end_copy().await?;
    progress(pieces, pieces);
    Ok(copy)
}

/// The piece of a copy that is a journal.
const fn piece_of(name: JournalName) -> &'static str {
    match name {
        JournalName::Incidents => "journal",
        JournalName::Ledger => "ledger",
    }
}

/// A journal that was copied.
#[derive(Default)]
struct Carried {
    entries: Entries,
    /// How many of them were written anew.
    anew: u64,
    /// The places that are kept of them: of the last days only.
    places: BTreeMap<PlaceKey, Vec<u8>>,
}

/// Copies a journal, unless that is done. Gives what the copy holds.
async fn copy_journal(
    from: &Embedded,
    to: &Redis,
    (name, carry): (JournalName, Option<&Carry>),
    is_done: bool,
) -> Result<Carried, StoreError> {
    let (mut position, mut carried) = (Position::START, Carried::default());
    while let Some(mut piece) = next(from.journal(name, position).await?, position)? {
        if let Some(carry) = carry {
            let before = piece.entries.clone();
            let (entries, places) = carry.carried(piece.entries);
            let is_anew = |(before, entry): &(&Vec<u8>, &Vec<u8>)| before != entry;
            carried.anew += before.iter().zip(&entries).filter(is_anew).count() as u64;
            carried.places.extend(places);
            piece.entries = entries;
        }
        carried.entries.add(&piece);
        if !is_done {
            to.put_journal(name, position.length, &piece.entries).await?;
        }
        position = piece.end;
    }
    Ok(carried)
}

/// Copies the public twins of a provider's hours, unless that is done, and adds them up.
async fn copy_shown_hours(
    from: &Embedded,
    to: &Redis,
    provider: ProviderIndex,
    is_done: bool,
    original: &mut Totals,
) -> Result<(), StoreError> {
    for some in from.hours_with_twins(provider.0)?.chunks(TWINS_AT_ONCE) {
        let twins = from.twins(provider.0, some[0]..some[some.len() - 1].plus(1))?;
        original.shown_hours.add_twins(provider, &twins);
        if !is_done {
            to.put_twins(provider, twins).await?;
        }
    }
    Ok(())
}

/// Copies the places of incidents, beside those that an older format had in its journal,
/// unless that is done, and adds them up.
async fn copy_places(
    from: &Embedded,
    to: &Redis,
    is_done: bool,
    (mut carried, original): (BTreeMap<PlaceKey, Vec<u8>>, &mut Totals),
) -> Result<(), StoreError> {
    let mut keys = from.places_since(0).await?;
    keys.extend(carried.keys());
    keys.sort_unstable();
    keys.dedup();
    for some in keys.chunks(PLACES_AT_ONCE) {
        let mut places = from.places(some.to_vec()).await?;
        for (key, place) in some.iter().zip(&mut places) {
            *place = carried.remove(key).or_else(|| place.take());
        }
        let places = found(some, places);
        original.places.add_places(&places);
        if !is_done {
            to.put_places(places).await?;
        }
    }
    Ok(())
}

/// The places that are there.
fn found(keys: &[PlaceKey], places: Vec<Option<Vec<u8>>>) -> Vec<Place> {
    keys.iter().zip(places).filter_map(|(key, place)| Some((*key, place?))).collect()
}

/// What was read of a journal, if anything was.
fn next(tail: Tail, from: Position) -> Result<Option<Piece>, StoreError> {
    match tail {
        Tail::Since(piece) => Ok(Some(piece).filter(|piece| piece.end != from)),
        Tail::Lost => Err(StoreError::Unavailable("a journal was lost while it was copied".into())),
    }
}

/// Says that a piece is done, unless that was said before.
async fn finish(to: &Redis, done: &HashSet<String>, piece: String) -> Result<(), StoreError> {
    if done.contains(&piece) { Ok(()) } else { to.mark_copied(piece).await }
}

impl Totals {
    const fn of(&mut self, name: JournalName) -> &mut Entries {
        match name {
            JournalName::Incidents => &mut self.journal,
            JournalName::Ledger => &mut self.ledger,
        }
    }

    fn add(&mut self, content: &HourOfProvider) {
        match content {
            HourOfProvider::Minutes(minutes) => {
                for (_, counts) in minutes {
                    self.in_minutes.add(Tally64::of(counts));
                }
            }
            HourOfProvider::RolledUp(counts) => self.in_hours.add(Tally64::of(counts)),
        }
    }
}

impl Entries {
    fn add(&mut self, piece: &Piece) {
        for entry in &piece.entries {
            // Where an entry ends matters, too.
            self.add_one(&(entry.len() as u64).to_le_bytes(), entry);
        }
    }

    fn add_twins(&mut self, provider: ProviderIndex, twins: &[(Hour, Vec<u8>)]) {
        for (hour, twin) in twins {
            let (place, end) = (hour.0.to_le_bytes(), (twin.len() as u64).to_le_bytes());
            self.add_one(&[&provider.0.to_le_bytes()[..], &place, &end].concat(), twin);
        }
    }

    fn add_places(&mut self, places: &[Place]) {
        for (PlaceKey { known_at, incident, revision }, place) in places {
            let end = (place.len() as u64).to_le_bytes();
            let of = [known_at.0.to_le_bytes(), incident.0.to_le_bytes(), end].concat();
            self.add_one(&[&of[..], &revision.to_le_bytes()].concat(), place);
        }
    }

    fn add_one(&mut self, head: &[u8], entry: &[u8]) {
        self.count += 1;
        self.bytes += entry.len() as u64;
        let mut hasher = crc32fast::Hasher::new_with_initial(self.crc);
        hasher.update(head);
        hasher.update(entry);
        self.crc = hasher.finalize();
    }
}
