//! Answers shared by all readers of a tick: built once, served at once, and kept for a
//! while where the store is away.

use crate::domain::time::{MINUTE_MS, Timestamp};
use crate::store::StoreError;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// An answer is built at most once in this time. Cut on the wall clock, so that nodes
/// agree.
pub const TICK_MS: i64 = 1_000;
/// For how long an answer is served after it could last be built.
pub const STALE_FOR_MS: i64 = 5 * MINUTE_MS;

/// How much memory an answer takes.
pub trait Weight {
    /// In bytes, roughly.
    fn bytes(&self) -> usize;
}

/// An answer, and whether the store was away when it should have been built anew.
#[derive(Debug)]
pub struct Served<V> {
    /// The answer.
    pub value: Arc<V>,
    /// Whether it is older than it should be.
    pub stale: bool,
}

/// The answers of recent ticks, bounded in number and bytes; what was asked for longest
/// ago goes first.
#[derive(Debug)]
pub struct TickCache<K, V> {
    most_entries: usize,
    most_bytes: usize,
    /// Held for look-ups only, never while something is built.
    slots: Arc<Mutex<HashMap<K, Slot<V>>>>,
}

#[derive(Debug)]
struct Slot<V> {
    built: Option<Built<V>>,
    /// The tick of the last try that failed, and how.
    failed: Option<(i64, StoreError)>,
    /// Open while somebody builds; those who wait see it close.
    building: Option<watch::Receiver<()>>,
    asked: i64,
}

#[derive(Debug)]
struct Built<V> {
    value: Arc<V>,
    tick: i64,
}

enum Step<V> {
    Serve(Served<V>),
    Fail(StoreError),
    Wait(watch::Receiver<()>),
    Build(watch::Sender<()>),
    /// Serve what the last tick built while this tick's is being built.
    ServeAndBuild(Served<V>, watch::Sender<()>),
}

impl<V> Default for Slot<V> {
    fn default() -> Self {
        Self { built: None, failed: None, building: None, asked: 0 }
    }
}

impl<V> Clone for Served<V> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), stale: self.stale }
    }
}

impl<K, V> TickCache<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Weight + Send + Sync + 'static,
{
    /// An empty cache.
    #[must_use]
    pub fn new(most_entries: usize, most_bytes: usize) -> Self {
        Self { most_entries, most_bytes, slots: Arc::default() }
    }

    /// The answer for `key` at `now`, from this tick or the one before. `build` is given
    /// the last answer, which it may find unchanged.
    ///
    /// # Errors
    /// Where it cannot be built and none of the last five minutes is there.
    pub async fn get<B, F>(&self, key: K, now: Timestamp, build: B) -> Result<Served<V>, StoreError>
    where
        B: FnOnce(Option<Arc<V>>) -> F,
        F: Future<Output = Result<V, StoreError>> + Send + 'static,
    {
        let tick = now.0.div_euclid(TICK_MS);
        loop {
            let step = self.step(&key, tick);
            match step {
                Step::Serve(served) => return Ok(served),
                Step::Fail(error) => return Err(error),
                // The builder may go away with its worker; whoever waited then looks
                // again, and builds.
                Step::Wait(mut building) => drop(building.changed().await),
                Step::Build(done) => {
                    let future = build(self.last(&key));
                    // Taken from the build itself: among very many answers of one tick,
                    // the slot may be forgotten already.
                    let outcome = self.run(key.clone(), tick, future, done).await;
                    let outcome = outcome.unwrap_or_else(|_| {
                        Err(StoreError::Unavailable("the answer could not be built".into()))
                    });
                    return outcome
                        .map(|value| Served { value, stale: false })
                        .or_else(|error| self.stale(&key, tick).ok_or(error));
                }
                Step::ServeAndBuild(served, done) => {
                    let future = build(Some(Arc::clone(&served.value)));
                    drop(self.run(key, tick, future, done));
                    return Ok(served);
                }
            }
        }
    }

    /// How long ago the oldest answer that was asked for within the last minute was
    /// built, in milliseconds.
    #[must_use]
    pub fn oldest_ms(&self, now: Timestamp) -> i64 {
        let tick = now.0.div_euclid(TICK_MS);
        let slots = self.slots();
        let asked = slots.values().filter(|slot| tick - slot.asked <= MINUTE_MS / TICK_MS);
        asked
            .filter_map(|slot| slot.built.as_ref())
            .map(|built| (tick - built.tick) * TICK_MS)
            .max()
            .unwrap_or(0)
    }

    fn step(&self, key: &K, tick: i64) -> Step<V> {
        let mut slots = self.slots();
        let slot = slots.entry(key.clone()).or_default();
        slot.asked = tick;
        let age = slot.built.as_ref().map(|built| tick - built.tick);
        let last = slot
            .built
            .as_ref()
            .map(|built| Served { value: Arc::clone(&built.value), stale: false });
        match (last, age) {
            // One of the next tick was built for somebody who asked a moment later; one
            // further ahead, before the clock was set back.
            (Some(served), Some(-1..=0)) => return Step::Serve(served),
            (Some(served), Some(age))
                if slot.failed_at(tick) && age.saturating_abs() * TICK_MS <= STALE_FOR_MS =>
            {
                return Step::Serve(Served { stale: true, ..served });
            }
            (Some(served), Some(1)) if slot.building.is_some() => return Step::Serve(served),
            (Some(served), Some(1)) => return Step::ServeAndBuild(served, slot.begin()),
            _ => {}
        }
        if let Some((_, error)) = slot.failed.as_ref().filter(|(failed, _)| *failed == tick) {
            return Step::Fail(error.clone());
        }
        match &slot.building {
            Some(building) if building.has_changed().is_ok() => Step::Wait(building.clone()),
            _ => Step::Build(slot.begin()),
        }
    }

    /// Builds on a task of its own: a reader who gives up does not take the answer from
    /// the others.
    fn run<F>(
        &self,
        key: K,
        tick: i64,
        future: F,
        done: watch::Sender<()>,
    ) -> JoinHandle<Result<Arc<V>, StoreError>>
    where
        F: Future<Output = Result<V, StoreError>> + Send + 'static,
    {
        let slots = Arc::clone(&self.slots);
        let (most_entries, most_bytes) = (self.most_entries, self.most_bytes);
        tokio::spawn(async move {
            let result = future.await.map(Arc::new);
            let mut slots = slots.lock().unwrap_or_else(PoisonError::into_inner);
            let slot = slots.entry(key).or_default();
            slot.building = None;
            match &result {
                Ok(value) => {
                    (slot.built, slot.failed) =
                        (Some(Built { value: Arc::clone(value), tick }), None);
                }
                Err(error) => slot.failed = Some((tick, error.clone())),
            }
            slot.asked = slot.asked.max(tick);
            evict(&mut slots, most_entries, most_bytes);
            drop(done);
            result
        })
    }

    /// An older answer that may still be served where this tick's cannot be built.
    fn stale(&self, key: &K, tick: i64) -> Option<Served<V>> {
        let slots = self.slots();
        let built = slots
            .get(key)?
            .built
            .as_ref()
            .filter(|built| (tick - built.tick).saturating_abs() * TICK_MS <= STALE_FOR_MS)?;
        Some(Served { value: Arc::clone(&built.value), stale: true })
    }

    fn last(&self, key: &K) -> Option<Arc<V>> {
        self.slots()
            .get(key)
            .and_then(|slot| slot.built.as_ref())
            .map(|built| Arc::clone(&built.value))
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<K, Slot<V>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Slot<V> {
    fn begin(&mut self) -> watch::Sender<()> {
        let (sender, receiver) = watch::channel(());
        self.building = Some(receiver);
        sender
    }

    fn failed_at(&self, tick: i64) -> bool {
        self.failed.as_ref().is_some_and(|(failed, _)| *failed == tick)
    }
}

fn evict<K: Clone + Eq + Hash, V: Weight>(
    slots: &mut HashMap<K, Slot<V>>,
    most_entries: usize,
    most_bytes: usize,
) {
    let weight = |slot: &Slot<V>| slot.built.as_ref().map_or(0, |built| built.value.bytes());
    let mut bytes: usize = slots.values().map(weight).sum();
    while slots.len() > most_entries || (bytes > most_bytes && slots.len() > 1) {
        let idle = slots.iter().filter(|(_, slot)| slot.building.is_none());
        let Some(key) = idle.min_by_key(|(_, slot)| slot.asked).map(|(key, _)| key.clone()) else {
            return;
        };
        bytes -= slots.remove(&key).map_or(0, |slot| weight(&slot));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    impl Weight for usize {
        fn bytes(&self) -> usize {
            1
        }
    }

    const T0: Timestamp = Timestamp(1_000_000_000_000);

    fn cache() -> TickCache<&'static str, usize> {
        TickCache::new(4, 100)
    }

    async fn ok(
        cache: &TickCache<&'static str, usize>,
        key: &'static str,
        now: Timestamp,
        value: usize,
    ) -> (usize, bool) {
        let served = cache.get(key, now, |_| async move { Ok(value) }).await.unwrap();
        (*served.value, served.stale)
    }

    async fn away(
        cache: &TickCache<&'static str, usize>,
        now: Timestamp,
    ) -> Result<(usize, bool), StoreError> {
        let served =
            cache.get("a", now, |_| async { Err(StoreError::Unavailable("away".into())) }).await?;
        Ok((*served.value, served.stale))
    }

    #[tokio::test]
    async fn an_answer_is_built_once_a_tick_however_many_ask() {
        let cache = Arc::new(cache());
        let builds = Arc::new(AtomicUsize::new(0));
        let (open, opened) = watch::channel(false);
        let ask = || {
            let (cache, builds, mut opened) =
                (Arc::clone(&cache), Arc::clone(&builds), opened.clone());
            tokio::spawn(async move {
                let build = |_| async move {
                    opened.wait_for(|open| *open).await.unwrap();
                    Ok(builds.fetch_add(1, Ordering::SeqCst))
                };
                *cache.get("a", T0, build).await.unwrap().value
            })
        };
        let asked: Vec<_> = (0..50).map(|_| ask()).collect();
        tokio::task::yield_now().await;
        open.send(true).unwrap();
        for answer in asked {
            assert_eq!(answer.await.unwrap(), 0);
        }
        assert_eq!(builds.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn the_last_ticks_answer_is_served_while_the_next_is_built() {
        let cache = cache();
        assert_eq!(ok(&cache, "a", T0, 1).await, (1, false));
        assert_eq!(ok(&cache, "a", T0.plus_ms(TICK_MS), 2).await, (1, false));
        tokio::task::yield_now().await;
        assert_eq!(ok(&cache, "a", T0.plus_ms(TICK_MS), 3).await, (2, false));
        assert_eq!(
            ok(&cache, "a", T0.plus_ms(3 * TICK_MS), 4).await,
            (4, false),
            "an answer two ticks old is not served"
        );
    }

    #[tokio::test]
    async fn an_answer_of_before_the_clock_was_set_back_is_not_served() {
        let cache = cache();
        assert_eq!(ok(&cache, "a", T0, 1).await, (1, false));
        assert_eq!(
            ok(&cache, "a", T0.plus_ms(-TICK_MS), 2).await,
            (1, false),
            "asked for a moment earlier"
        );
        assert_eq!(ok(&cache, "a", T0.plus_ms(-600 * TICK_MS), 3).await, (3, false));
    }

    #[tokio::test]
    async fn with_the_store_away_the_last_answer_is_stale_for_five_minutes_and_then_refused() {
        let cache = cache();
        assert!(away(&cache, T0).await.is_err());
        let t1 = T0.plus_ms(TICK_MS);
        assert_eq!(ok(&cache, "a", t1, 1).await, (1, false));
        assert_eq!(away(&cache, t1.plus_ms(2 * TICK_MS)).await.unwrap(), (1, true));
        assert_eq!(away(&cache, t1.plus_ms(2 * TICK_MS)).await.unwrap(), (1, true));
        assert_eq!(away(&cache, t1.plus_ms(STALE_FOR_MS)).await.unwrap(), (1, true));
        assert!(away(&cache, t1.plus_ms(STALE_FOR_MS + TICK_MS)).await.is_err());
        assert_eq!(ok(&cache, "a", t1.plus_ms(STALE_FOR_MS + 2 * TICK_MS), 2).await, (2, false));
    }

    #[tokio::test]
    async fn whoever_builds_gets_the_answer_however_many_are_asked_for_in_one_tick() {
        let cache = TickCache::new(4, 100);
        for n in 0..100 {
            assert_eq!(*cache.get(n, T0, |_| async move { Ok(n) }).await.unwrap().value, n);
        }
        assert!(cache.slots().len() <= 4);
    }

    #[tokio::test]
    async fn what_was_asked_for_longest_ago_is_forgotten_first() {
        let cache = cache();
        for (n, key) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
            ok(&cache, key, T0.plus_ms(n as i64 * TICK_MS), n).await;
        }
        let slots = cache.slots();
        assert!(!slots.contains_key("a") && slots.len() == 4);
    }
}
