//! Slices: what readers see of a provider in a minute, five or an hour, summed once and kept
//! for all views and series that they are part of. Whoever asks for another window, or for
//! another box, finds most of it here.

use super::shown::Sight;
use super::shown::reader::{Mark, Seen};
use crate::domain::counted::Counted;
use crate::domain::counts::Counts;
use crate::domain::privacy::epoch::EPOCH_MINUTES;
use crate::domain::privacy::groups::Groups;
use crate::domain::provider::ProviderIndex;
use crate::domain::time::{Minute, Window};
use crate::domain::view::Sums;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Bytes of slices that are kept at most. A record day of 14 million reports is 60 MB in
/// slices of an hour.
const MOST_BYTES: usize = 256 << 20;

/// The slices that were asked for lately. Those asked for longest ago go first.
#[derive(Debug)]
pub struct Slices {
    most_bytes: usize,
    /// Held for look-ups only, never while something is summed.
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    slices: HashMap<Key, Arc<Slice>>,
    /// Of those that are summed.
    bytes: usize,
    /// How often something was asked for.
    asked: u64,
}

/// Which slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    whose: Whose,
    begin: Minute,
    /// In minutes.
    length: i64,
}

/// Whose reports, as who sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Whose {
    /// For whose eyes.
    pub sight: Sight,
    /// Of whom.
    pub provider: ProviderIndex,
    /// Of what.
    pub counted: Counted,
}

#[derive(Debug)]
struct Slice {
    /// What it is made of. A minute that was added to since is another one: while it is marked
    /// here, additions work on a copy.
    marks: Vec<Mark>,
    sums: OnceLock<Arc<Sums>>,
    asked: Mutex<u64>,
}

const HOUR: i64 = 60;
/// The longest there are.
pub const LONGEST: i64 = HOUR;

/// How long slices may be, in minutes, where none may reach over any of these edges, or any
/// multiple of these steps.
#[must_use]
pub fn longest_within(edges_and_steps: &[i64]) -> i64 {
    let fits = |length: &i64| edges_and_steps.iter().all(|minutes| minutes % length == 0);
    [HOUR, EPOCH_MINUTES].into_iter().find(fits).unwrap_or(1)
}

impl Default for Slices {
    fn default() -> Self {
        Self::with_bound(MOST_BYTES)
    }
}

impl Slices {
    fn with_bound(most_bytes: usize) -> Self {
        Self { most_bytes, held: Mutex::default() }
    }

    /// The minutes of a window, which come in order, in as few slices as there are, none
    /// longer than so many minutes nor over an edge of the window: with when each begins.
    pub fn of(
        &self,
        whose: Whose,
        window: Window,
        minutes: &[(Minute, Seen)],
        longest: i64,
    ) -> Vec<(Minute, Arc<Sums>)> {
        let length = |minute: Minute| {
            let fits = |length: &i64| {
                let begin = begin_of(minute, *length);
                *length <= longest && window.from <= begin && begin.plus(*length) <= window.to
            };
            [HOUR, EPOCH_MINUTES].into_iter().find(fits).unwrap_or(1)
        };
        let slice_of = |(minute, _): &(Minute, Seen)| {
            let length = length(*minute);
            (begin_of(*minute, length), length)
        };
        minutes
            .chunk_by(|a, b| slice_of(a) == slice_of(b))
            .map(|minutes| {
                let (begin, length) = slice_of(&minutes[0]);
                (begin, self.slice(Key { whose, begin, length }, minutes))
            })
            .collect()
    }

    fn slice(&self, key: Key, minutes: &[(Minute, Seen)]) -> Arc<Sums> {
        let slice = self.find_or_add(key, minutes);
        let mut added = 0;
        let sums = slice.sums.get_or_init(|| {
            let sums = if key.length == HOUR {
                // Late reports change some minutes of it: what is summed of the others stays.
                Sums::of_parts(self.epochs(key, minutes).iter().map(|epoch| &**epoch))
            } else {
                let seen: Vec<Seen> = minutes.iter().map(|(_, seen)| seen.clone()).collect();
                Seen::sums(key.whose.counted, &seen)
            };
            added = sums.heap_bytes() + slice.bytes_of_marks();
            Arc::new(sums)
        });
        let sums = Arc::clone(sums);
        if added > 0 {
            self.added(added);
        }
        sums
    }

    fn epochs(&self, key: Key, minutes: &[(Minute, Seen)]) -> Vec<Arc<Sums>> {
        let begin = |(minute, _): &(Minute, Seen)| begin_of(*minute, EPOCH_MINUTES);
        let epochs = minutes.chunk_by(|a, b| begin(a) == begin(b));
        let key = |minutes: &[(Minute, Seen)]| Key {
            begin: begin(&minutes[0]),
            length: EPOCH_MINUTES,
            ..key
        };
        epochs.map(|minutes| self.slice(key(minutes), minutes)).collect()
    }

    fn find_or_add(&self, key: Key, minutes: &[(Minute, Seen)]) -> Arc<Slice> {
        let mut held = self.held();
        held.asked += 1;
        let asked = held.asked;
        if let Some(slice) = held.slices.get(&key).filter(|slice| slice.is_of(minutes)) {
            *slice.asked.lock().unwrap_or_else(PoisonError::into_inner) = asked;
            return Arc::clone(slice);
        }
        let marks = minutes.iter().map(|(_, seen)| seen.mark()).collect();
        let slice = Arc::new(Slice { marks, sums: OnceLock::new(), asked: Mutex::new(asked) });
        if let Some(before) = held.slices.insert(key, Arc::clone(&slice)) {
            held.bytes = held.bytes.saturating_sub(before.bytes());
        }
        slice
    }

    /// Counts bytes that were added. Where they are too many, half of the slices are
    /// forgotten at once, so that this is seldom done.
    fn added(&self, bytes: usize) {
        let mut held = self.held();
        held.bytes += bytes;
        if held.bytes <= self.most_bytes {
            return;
        }
        let asked =
            |slice: &Arc<Slice>| *slice.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut ages: Vec<u64> = held.slices.values().map(asked).collect();
        let half = ages.len() / 2;
        let (_, oldest_kept, _) = ages.select_nth_unstable(half);
        let oldest_kept = *oldest_kept;
        held.slices.retain(|_, slice| oldest_kept < asked(slice));
        held.bytes = held.slices.values().map(|slice| slice.bytes()).sum();
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slice {
    fn is_of(&self, minutes: &[(Minute, Seen)]) -> bool {
        self.marks.len() == minutes.len()
            && self.marks.iter().zip(minutes).all(|(mark, (_, seen))| mark.is_of(seen))
    }

    fn bytes(&self) -> usize {
        let sums = self.sums.get().map_or(0, |sums| sums.heap_bytes());
        sums + self.bytes_of_marks()
    }

    /// What it takes beside its sums: its entry, and of each minute that is gone what is
    /// left while it is marked.
    const fn bytes_of_marks(&self) -> usize {
        const OF_ENTRY: usize = 256;
        const OF_MARK: usize = size_of::<Mark>() + size_of::<Counts>() + size_of::<Groups>();
        OF_ENTRY + self.marks.len() * OF_MARK
    }
}

const fn begin_of(minute: Minute, length: i64) -> Minute {
    Minute(minute.0.div_euclid(length) * length)
}
