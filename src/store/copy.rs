//! Migration: everything that a directory holds, into a Redis. Cut off at any moment,
//! it goes on where it was.

use super::StoreError;
use super::embedded::Embedded;
use super::embedded::export::HourOfProvider;
use super::journal::{JournalName, Piece, Position, Tail};
use super::redis::Redis;
use super::tally64::Tally64;
use crate::domain::provider::{Catalogue, CatalogueError, Provider, ProviderIndex};
use crate::domain::time::Hour;
use std::collections::HashSet;
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
}

/// Entries of a journal, or twins of hours, together.
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

/// Copies all, then compares both ends. `catalogue` is that of [`catalogue_of`];
/// `progress` is told how many pieces are done, of how many.
///
/// # Errors
/// Where a store fails, or the copy differs.
pub async fn copy(
    from: &Embedded,
    catalogue: &Catalogue,
    to: &Redis,
    mut progress: impl FnMut(usize, usize),
) -> Result<Totals, CopyError> {
    let done = to.copied().await?;
    let hours: Vec<Hour> = from.kept_hours().into_iter().collect();
    let index: Arc<Vec<ProviderIndex>> =
        Arc::new(catalogue.iter().map(|(index, _)| index).collect());
    let shards = 0..super::SHARDS as usize;
    let pieces = hours.len() + shards.len() + JournalName::ALL.len() + index.len() + 1;
    let mut original = Totals::default();
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
        *original.of(name) = copy_journal(from, to, name, done.contains(piece)).await?;
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
    if let Some(fingerprint) = from.catalogue_before() {
        to.put_catalogue(fingerprint).await?;
    }
    to.put_liveness(from.liveness().spans().to_vec()).await?;
    to.put_last_used(from.usage_by_key(0).last_used_day).await?;
    // Reporters were looked up as they were written.
    let mut copy = Totals { reporters: original.reporters, ..Totals::default() };
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

/// Copies a journal, unless that is done. Gives what it holds.
async fn copy_journal(
    from: &Embedded,
    to: &Redis,
    name: JournalName,
    is_done: bool,
) -> Result<Entries, StoreError> {
    let (mut position, mut entries) = (Position::START, Entries::default());
    while let Some(piece) = next(from.journal(name, position).await?, position)? {
        entries.add(&piece);
        if !is_done {
            to.put_journal(name, position.length, &piece.entries).await?;
        }
        position = piece.end;
    }
    Ok(entries)
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

    fn add_one(&mut self, head: &[u8], entry: &[u8]) {
        self.count += 1;
        self.bytes += entry.len() as u64;
        let mut hasher = crc32fast::Hasher::new_with_initial(self.crc);
        hasher.update(head);
        hasher.update(entry);
        self.crc = hasher.finalize();
    }
}
