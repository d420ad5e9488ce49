//! Frames of an animation: maps of windows that follow each other, from one pass over what
//! they share.

use super::Engine;
use super::shown::Sight;
use super::slices::{Whose, longest_within};
use super::views::revision;
use crate::domain::counted::Counted;
use crate::domain::cover::Cover;
use crate::domain::grid::{Cell, Resolution};
use crate::domain::level::Level;
use crate::domain::provider::Subject;
use crate::domain::region::Region;
use crate::domain::time::{Minute, Timestamp, Window};
use crate::domain::view::{Sums, View};
use crate::store::StoreError;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Which frames.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FramesKey {
    /// For whose eyes.
    pub sight: Sight,
    /// Of whom.
    pub subject: Subject,
    /// Of what.
    pub counted: Counted,
    /// Where.
    pub region: Region,
    /// How fine.
    pub resolution: Resolution,
    /// When the window of the first ends.
    pub first: Minute,
    /// How many there are.
    pub count: i64,
    /// Minutes from each to the next.
    pub step: i64,
    /// Minutes that each counts.
    pub length: i64,
}

/// Frames as they were built.
#[derive(Debug)]
pub struct Frames {
    /// When they were built.
    pub as_of: Timestamp,
    /// One a window, in order.
    pub frames: Vec<Frame>,
}

/// A map of one of the windows.
#[derive(Debug)]
pub struct Frame {
    /// Which minutes.
    pub window: Window,
    /// What is shown of it.
    pub level: Level,
}

impl FramesKey {
    /// The window of the n-th.
    #[must_use]
    pub const fn window(&self, n: i64) -> Window {
        let to = self.first.plus(n * self.step);
        Window { from: to.plus(-self.length), to }
    }

    /// From the begin of the first to the end of the last.
    #[must_use]
    pub const fn whole(&self) -> Window {
        Window { from: self.window(0).from, to: self.window(self.count - 1).to }
    }

    /// The minutes that are read: of each window, where they lie apart, else from the first to
    /// the last.
    fn spans(&self) -> Vec<Window> {
        if self.length < self.step {
            (0..self.count).map(|n| self.window(n)).collect()
        } else {
            vec![self.whole()]
        }
    }

    /// How long slices may be, so that each window begins and ends with one.
    fn slice_minutes(&self) -> i64 {
        longest_within(&[self.first.0, self.step, self.length])
    }
}

impl Engine {
    /// Differs wherever these frames may differ.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn frames_version(&self, key: &FramesKey) -> Result<(u64, u64), StoreError> {
        let brands = self.catalogue.brands(key.subject);
        let digest = self.reader(key.sight).rules_digest();
        Ok((self.read(revision(&self.store, brands).await)?, digest))
    }

    /// The maps of windows that follow each other.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn frames(&self, key: FramesKey) -> Result<Frames, StoreError> {
        let (as_of, reader) = (self.now(), self.reader(key.sight));
        let mut minutes = Vec::new();
        for brand in self.catalogue.brands(key.subject) {
            let mut of_brand = Vec::new();
            for span in key.spans() {
                let found = self.read(reader.minutes(*brand, span.from..span.to).await)?;
                of_brand.push((span, found));
            }
            minutes.push((*brand, of_brand));
        }
        let slices = Arc::clone(&self.slices);
        let build = move || {
            let mut found: Vec<(Minute, Arc<Sums>)> = Vec::new();
            for (provider, of_brand) in &minutes {
                let whose = Whose { sight: key.sight, provider: *provider, counted: key.counted };
                for (span, minutes) in of_brand {
                    found.extend(slices.of(whose, *span, minutes, key.slice_minutes()));
                }
            }
            found.sort_by_key(|(begin, _)| *begin);
            Frames { as_of, frames: slide(&key, &levels(&key, &found)) }
        };
        tokio::task::spawn_blocking(build)
            .await
            .map_err(|error| StoreError::Unavailable(error.to_string()))
    }
}

/// The levels of slices, which are sorted by when they begin: one of all that begin at once.
fn levels(key: &FramesKey, slices: &[(Minute, Arc<Sums>)]) -> Vec<(Minute, Level)> {
    // The same cells come slice after slice.
    let (cover, mut known) = (Cover::of(&key.region, key.resolution), HashMap::new());
    let mut lies = |cell: Cell| *known.entry(cell).or_insert_with(|| key.region.contains(cell));
    slices
        .chunk_by(|a, b| a.0 == b.0)
        .map(|together| {
            let parts = together.iter().map(|(_, sums)| Arc::clone(sums)).collect();
            let view = View::new(key.whole(), parts);
            let level = match key.region {
                Region::Everywhere => view.level(&Region::Everywhere, key.resolution),
                _ => view.level_in(&cover, key.resolution, &mut lies),
            };
            (together[0].0, level)
        })
        .collect()
}

/// The levels of all windows, from those of their slices, sorted by when they begin: what
/// enters a window is added, and what leaves it is taken off.
fn slide(key: &FramesKey, slices: &[(Minute, Level)]) -> Vec<Frame> {
    let (mut sums, mut unplaced) = (BTreeMap::<Cell, u32>::new(), 0_u64);
    let (mut entered, mut left) = (0, 0);
    (0..key.count)
        .map(|n| {
            let window = key.window(n);
            while let Some((_, level)) = slices.get(entered).filter(|(at, _)| *at < window.to) {
                for (cell, count) in level.all_rows() {
                    *sums.entry(cell).or_default() += count;
                }
                unplaced += level.unplaced();
                entered += 1;
            }
            while let Some((_, level)) = slices.get(left).filter(|(at, _)| *at < window.from) {
                for (cell, count) in level.all_rows() {
                    let sum = sums.entry(cell).or_default();
                    *sum -= count;
                    if *sum == 0 {
                        sums.remove(&cell);
                    }
                }
                unplaced -= level.unplaced();
                left += 1;
            }
            let is_fine = |(cell, _): &(&Cell, &u32)| cell.resolution() == key.resolution;
            let (fine, coarser): (Vec<_>, Vec<_>) = sums.iter().partition(is_fine);
            let (cells, counts) = fine.into_iter().unzip();
            let coarser = coarser.into_iter().map(|(cell, count)| (*cell, *count)).collect();
            let level = Level::new(key.resolution, cells, counts, coarser);
            Frame { window, level: level.with_unplaced(unplaced) }
        })
        .collect()
}
