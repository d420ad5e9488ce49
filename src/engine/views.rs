//! Views for readers: each built at most once a tick, from minutes of the store, and
//! shared.

use super::cache::Weight;
use super::shown::Sight;
use super::shown::reader::{Reader, Seen};
use crate::domain::grid::Resolution;
use crate::domain::level::Level;
use crate::domain::provider::{ProviderIndex, Subject};
use crate::domain::symptom::Symptoms;
use crate::domain::time::{Hour, Timestamp, Window};
use crate::domain::view::{Sums, View};
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
    pub symptoms: Symptoms,
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

/// A view and its levels, each made when first asked for.
#[derive(Debug)]
struct Content {
    view: View,
    levels: [OnceLock<Arc<Level>>; 9],
    /// What was summed of each hour. A day's view in the middle of an outage is millions
    /// of facts, of which a tick changes a few hours'.
    hours: Vec<HourSums>,
}

/// The sums of the minutes of one hour that lie in the window.
#[derive(Debug)]
struct HourSums {
    brand: ProviderIndex,
    hour: Hour,
    minutes: Vec<Seen>,
    sums: Arc<Sums>,
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

    /// The view at one resolution.
    #[must_use]
    pub fn level(&self, resolution: Resolution) -> Arc<Level> {
        let level = &self.content.levels[usize::from(resolution.number())];
        Arc::clone(level.get_or_init(|| Arc::new(self.content.view.level(resolution))))
    }
}

impl Weight for Snapshot {
    fn bytes(&self) -> usize {
        let levels =
            self.content.levels.iter().filter_map(OnceLock::get).map(|level| level.heap_bytes());
        let hours = self.content.hours.iter().map(|hour| hour.sums.heap_bytes());
        self.content.view.heap_bytes() + levels.sum::<usize>() + hours.sum::<usize>()
    }
}

/// Builds the view of these brands; where nothing changed since the last one, its content
/// is taken over.
///
/// # Errors
/// Where the store cannot be read.
pub async fn build(
    reader: Reader,
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
    let mut minutes = Vec::new();
    for brand in brands {
        let found = reader.minutes(brand, window.from..window.to).await?;
        minutes.extend(found.into_iter().map(|(minute, seen)| (brand, minute.hour(), seen)));
    }
    let content = move || {
        Content::build(
            window,
            key.symptoms,
            &minutes,
            last.as_ref().map_or(&[], |last| &last.content.hours),
        )
    };
    let content = tokio::task::spawn_blocking(content)
        .await
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    Ok(Snapshot { id, as_of: now, content: Arc::new(content), revision })
}

impl Content {
    /// Sums hours whose minutes changed, takes over those that did not, and adds all up.
    fn build(
        window: Window,
        symptoms: Symptoms,
        minutes: &[(ProviderIndex, Hour, Seen)],
        last: &[HourSums],
    ) -> Self {
        let by_hour = minutes.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
        let hours: Vec<HourSums> =
            by_hour.map(|minutes| HourSums::of(symptoms, minutes, last)).collect();
        let view = match &hours[..] {
            [hour] => (*hour.sums).clone(),
            hours => Sums::of_parts(hours.iter().map(|hour| &*hour.sums)),
        };
        Self { view: View::new(window, view), levels: Default::default(), hours }
    }
}

impl HourSums {
    fn of(symptoms: Symptoms, minutes: &[(ProviderIndex, Hour, Seen)], last: &[Self]) -> Self {
        let (brand, hour, _) = minutes[0];
        let minutes: Vec<Seen> = minutes.iter().map(|(_, _, seen)| seen.clone()).collect();
        // A minute that was added to since is another one: while it is held here,
        // additions work on a copy.
        let same = |last: &&Self| {
            (last.brand, last.hour) == (brand, hour)
                && last.minutes.len() == minutes.len()
                && last.minutes.iter().zip(&minutes).all(|(a, b)| a.is(b))
        };
        let sums = match last.iter().find(same) {
            Some(last) => Arc::clone(&last.sums),
            None => Arc::new(Seen::sums(symptoms, &minutes)),
        };
        Self { brand, hour, minutes, sums }
    }
}

/// The sum of the brands' revisions: each only grows, so the sum changes with any.
pub(super) async fn revision(store: &Store, brands: &[ProviderIndex]) -> Result<u64, StoreError> {
    let mut sum: u64 = 0;
    for brand in brands {
        sum = sum.wrapping_add(store.revision(*brand).await?);
    }
    Ok(sum)
}
