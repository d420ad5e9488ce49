//! A sorted map whose copies share what they have in common: to copy it and change one
//! entry costs a pointer for each chunk, and the copy of one chunk.

use std::sync::Arc;

/// Entries of a chunk at most: about the square root of the ten thousands that are held.
const MOST_IN_CHUNK: usize = 128;

/// Keys and values, sorted by key. Entries are never removed.
#[derive(Debug, Clone)]
pub struct SharedMap<K, V> {
    /// In order, none of them empty. A chunk that another map holds too is copied before
    /// it changes.
    chunks: Vec<Arc<Vec<(K, V)>>>,
    length: usize,
}

impl<K, V> Default for SharedMap<K, V> {
    fn default() -> Self {
        Self { chunks: Vec::new(), length: 0 }
    }
}

impl<K, V> SharedMap<K, V> {
    /// How many entries it has.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl<K: Ord + Clone, V: Clone> SharedMap<K, V> {
    /// The value of a key.
    pub fn get(&self, key: &K) -> Option<&V> {
        let (chunk, place) = self.find(key);
        place.ok().map(|place| &self.chunks[chunk][place].1)
    }

    /// The value of a key, to be changed; made where there is none.
    pub fn get_or_insert_with(&mut self, key: K, value: impl FnOnce() -> V) -> &mut V {
        if self.chunks.is_empty() {
            self.chunks.push(Arc::default());
        }
        let (mut chunk, place) = self.find(&key);
        let mut at = place.unwrap_or_else(|place| place);
        if place.is_err() {
            self.length += 1;
            let entries = Arc::make_mut(&mut self.chunks[chunk]);
            entries.insert(at, (key, value()));
            if MOST_IN_CHUNK < entries.len() {
                let half = entries.split_off(MOST_IN_CHUNK / 2);
                self.chunks.insert(chunk + 1, Arc::new(half));
            }
            if self.chunks[chunk].len() <= at {
                (chunk, at) = (chunk + 1, at - self.chunks[chunk].len());
            }
        }
        &mut Arc::make_mut(&mut self.chunks[chunk])[at].1
    }

    /// The value of a key, to be changed, where there is one.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let (chunk, place) = self.find(key);
        let place = place.ok()?;
        Some(&mut Arc::make_mut(&mut self.chunks[chunk])[place].1)
    }

    /// Sets the value of a key.
    pub fn insert(&mut self, key: K, value: V) {
        match self.get_mut(&key) {
            Some(there) => *there = value,
            None => {
                self.get_or_insert_with(key, || value);
            }
        }
    }

    /// The keys before a bound, or all of them, last first.
    pub fn keys_before<'a>(
        &'a self,
        bound: Option<&K>,
    ) -> impl Iterator<Item = &'a K> + use<'a, K, V> {
        let (chunk, place) = bound.map_or((self.chunks.len(), Ok(0)), |bound| self.find(bound));
        let place = place.unwrap_or_else(|place| place);
        let part = self.chunks.get(chunk).map_or(&[][..], |entries| &entries[..place]);
        let whole = self.chunks[..chunk].iter().rev().flat_map(|entries| entries.iter().rev());
        part.iter().rev().chain(whole).map(|(key, _)| key)
    }

    /// The chunk that holds a key, or is to hold it, and the place in that.
    fn find(&self, key: &K) -> (usize, Result<usize, usize>) {
        let is_before = |entries: &Arc<Vec<(K, V)>>| entries.last().is_some_and(|(k, _)| k < key);
        let chunk = self.chunks.partition_point(is_before);
        let chunk = chunk.min(self.chunks.len().saturating_sub(1));
        let Some(entries) = self.chunks.get(chunk) else { return (0, Err(0)) };
        (chunk, entries.binary_search_by(|(k, _)| k.cmp(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_holds_what_a_sorted_map_holds_and_a_copy_stays_as_it_was(
            keys in prop::collection::vec(0_u16..600, 0..1_500), copied_at in 0_usize..1_500
        ) {
            let (mut map, mut expected) = (SharedMap::default(), BTreeMap::new());
            let mut copy = None;
            for (n, key) in keys.into_iter().enumerate() {
                if n == copied_at {
                    copy = Some((map.clone(), expected.clone()));
                }
                if n % 2 == 0 {
                    map.insert(key, n);
                    expected.insert(key, n);
                } else {
                    *map.get_or_insert_with(key, || 0) += n;
                    *expected.entry(key).or_insert(0) += n;
                }
            }
            for (map, expected) in copy.into_iter().chain([(map, expected)]) {
                prop_assert_eq!((map.len(), map.is_empty()), (expected.len(), expected.is_empty()));
                for key in 0..600 {
                    prop_assert_eq!(map.get(&key), expected.get(&key));
                    let mut changed = map.clone();
                    prop_assert_eq!(changed.get_mut(&key).copied(), expected.get(&key).copied());
                }
                for bound in [0, 1, 64, 65, 128, 300, 599, 700] {
                    let before = expected.range(..bound).rev().map(|(key, _)| key);
                    prop_assert!(map.keys_before(Some(&bound)).eq(before));
                }
                prop_assert!(map.keys_before(None).eq(expected.keys().rev()));
            }
        }
    }
}
