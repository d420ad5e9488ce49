//! Views for readers: each put together at most once a tick, of slices of its window, and
//! shared.

use super::cache::Weight;
use super::shown::Sight;
use super::shown::reader::Reader;
use super::slices::{LONGEST, Slices, Whose};
use crate::domain::counted::Counted;
use crate::domain::grid::Resolution;
use crate::domain::level::Level;
use crate::domain::provider::{ProviderIndex, Subject};
use crate::domain::region::Region;
use crate::domain::time::{Timestamp, Window};
use crate::domain::view::View;
use crate::store::{Store, StoreError};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Which view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ViewKey {
    /// For whose eyes.
    pub sight: Sight,
    /// Of whom.
    pub subject: Subject,
    /// Of when.
    pub span: Span,
    /// Of what.
    pub counted: Counted,
}

/// Of when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Span {
    /// The last so many minutes, whenever it is asked.
    Last(i64),
    /// These minutes.
    Fixed(Window),
}

/// A view as it was built in one tick.
#[derive(Debug)]
pub struct Snapshot {
    /// No other snapshot of this process has it.
    pub id: u64,
    /// When it was built.
    pub as_of: Timestamp,
    content: Arc<Content>,
    revision: u64,
}

/// A view and its levels everywhere, each made when first asked for.
#[derive(Debug)]
struct Content {
    view: View,
    levels: [OnceLock<Arc<Level>>; 9],
}

impl Span {
    /// The minutes it means now.
    #[must_use]
    pub const fn window(self, now: Timestamp) -> Window {
        match self {
            Self::Last(minutes) => Window::ending_at(now, minutes),
            Self::Fixed(window) => window,
        }
    }
}

impl Snapshot {
    /// Which minutes.
    #[must_use]
    pub fn window(&self) -> Window {
        self.content.view.window()
    }

    /// The view at one resolution, as far as it lies in a region.
    #[must_use]
    pub fn level(&self, region: &Region, resolution: Resolution) -> Arc<Level> {
        let of = || Arc::new(self.content.view.level(region, resolution));
        if *region != Region::Everywhere {
            return of();
        }
        let level = &self.content.levels[usize::from(resolution.number())];
        Arc::clone(level.get_or_init(of))
    }
}

impl Weight for Snapshot {
    fn bytes(&self) -> usize {
        let levels =
            self.content.levels.iter().filter_map(OnceLock::get).map(|level| level.heap_bytes());
        self.content.view.heap_bytes() + levels.sum::<usize>()
    }
}

/// Builds the view of these brands; where nothing changed since the last one, its content
/// is taken over.
///
/// # Errors
/// Where the store cannot be read.
pub async fn build(
    (reader, slices): (Reader, Arc<Slices>),
    brands: Vec<ProviderIndex>,
    key: ViewKey,
    now: Timestamp,
    last: Option<Arc<Snapshot>>,
) -> Result<Snapshot, StoreError> {
    static NEXT_ID: AtomicU64 = AtomicU64::new(0);
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let window = key.span.window(now);
    // Read before the minutes: what is recorded in between makes the next tick look
    // again.
    let revision = revision(reader.store(), &brands).await?.wrapping_add(reader.rules_digest());
    if let Some(last) =
        last.as_ref().filter(|last| last.revision == revision && last.window() == window)
    {
        return Ok(Snapshot { id, as_of: now, content: Arc::clone(&last.content), revision });
    }
    let mut minutes = Vec::with_capacity(brands.len());
    for brand in brands {
        minutes.push((brand, reader.minutes(brand, window.from..window.to).await?));
    }
    let content = move || {
        let parts = minutes.iter().flat_map(|(provider, minutes)| {
            let whose = Whose { sight: key.sight, provider: *provider, counted: key.counted };
            slices.of(whose, window, minutes, LONGEST)
        });
        let view = View::new(window, parts.map(|(_, sums)| sums).collect());
        Content { view, levels: Default::default() }
    };
    let content = tokio::task::spawn_blocking(content)
        .await
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(Snapshot { id, as_of: now, content: Arc::new(content), revision })
}

/// The sum of the brands' revisions: each only grows, so the sum changes with any.
pub(super) async fn revision(store: &Store, brands: &[ProviderIndex]) -> Result<u64, StoreError> {
    let mut sum: u64 = 0;
    for brand in brands {
        sum = sum.wrapping_add(store.revision(*brand).await?);
    }
    Ok(sum)
}
