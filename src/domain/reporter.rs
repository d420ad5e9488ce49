//! Who reports, without knowing who: a keyed hash of the id that cannot be linked from
//! one day to the next.

use super::grid::Cell;
use super::time::{HOUR_MS, Minute, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How long one reporter counts once for a provider and claim.
pub const PERIOD_MS: i64 = 2 * HOUR_MS;
/// Periods in a reporter's day.
pub const SLOTS_PER_DAY: u8 = 12;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The top six bits of a reporter's hash are the number of the day modulo 64, so that a
/// store can forget the reporters of a day together without being told of which day each
/// is. That is longer than the longest lateness keeps any.
pub const DAY_SHIFT: u32 = 58;

/// A reporter on one of their days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reporter {
    /// Keyed hash of the id and of the reporter's day below [`DAY_SHIFT`]: the same
    /// person has another tomorrow. The day itself above.
    pub hash: u64,
    /// Which of that day's twelve periods.
    pub slot: u8,
    /// Whether the id was that of one phone.
    pub identity: Identity,
}

/// Whether an id tells one phone from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Identity {
    /// One phone's.
    Own,
    /// One phone's, for which nobody vouches: it counts, and is never its reporter's first
    /// of the day.
    Unproven,
    /// One that many phones send (`shared_id.rs`): who reports is not known.
    Shared,
}

/// The secret that turns ids into hashes.
///
/// Everything is HMAC-SHA-256 (RFC 2104), cut to 58 bits for a reporter's hash: at 14
/// million reporters a day the chance that any two of them share one is 3 in 10,000, and
/// two that do count as one.
#[derive(Clone)]
pub struct ReporterKey {
    root: Hmac<Sha256>,
    offset: Hmac<Sha256>,
    next: Option<Box<Next<Self>>>,
}

/// What follows a key: a key, or its days.
#[derive(Clone)]
struct Next<K> {
    /// The first of a reporter's days, by the key before, that is not the key's before.
    first_day: i64,
    key: K,
}

/// That a reporter key is replaced by another: it has leaked, say.
///
/// Each reporter goes over at the end of one of their days, which ends at some moment of
/// the day named here: the hash changes then anyway, and nobody counts twice. Their first
/// day under the new key is cut short, since it hides the edges of days elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replacement {
    /// Check value of the new key.
    pub by: u64,
    /// The day of UTC, counted from 1970-01-01, in the course of which reporters go over.
    pub day: i64,
}

/// A [`ReporterKey`] with the sub-keys of the days around now at hand: making one costs
/// four hash blocks, as much as hashing a reporter.
#[derive(Clone)]
pub struct DayKeys {
    key: ReporterKey,
    first_day: i64,
    days: Vec<Hmac<Sha256>>,
    next: Option<Box<Next<Self>>>,
}

impl ReporterKey {
    /// The key made from a secret of any length.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        let root = keyed(secret);
        let offset = keyed(&digest(&root, &[b"groundswell offset"]));
        Self { root, offset, next: None }
    }

    /// The same key, but that it is replaced by another in the course of a day.
    #[must_use]
    pub fn replaced_by(self, key: Self, day: i64) -> Self {
        // A reporter's day of that number has begun before that day of UTC.
        Self { next: Some(Box::new(Next { first_day: day + 1, key })), ..self }
    }

    /// Whether reporters are hashed as a store with this replacement needs it: by the key
    /// before and the one after, in time, or by the one after alone.
    #[must_use]
    pub fn knows(&self, replacement: Replacement) -> bool {
        let Replacement { by, day } = replacement;
        match &self.next {
            Some(next) => next.key.check_value() == by && next.first_day == day + 1,
            None => self.check_value() == by,
        }
    }

    /// Whether it is to be replaced, as it was told.
    #[must_use]
    pub const fn has_next(&self) -> bool {
        self.next.is_some()
    }

    /// A number that tells two keys apart and tells nothing about either. Kept in the
    /// store, so that a wrong key is noticed.
    #[must_use]
    pub fn check_value(&self) -> u64 {
        first_64_bits(digest(&self.root, &[b"groundswell check value"]))
    }

    /// The same key, prepared for reports observed around `now`.
    #[must_use]
    pub fn around(&self, now: Timestamp) -> DayKeys {
        let today = now.0.div_euclid(DAY_MS);
        // Three days back is past the lateness; an offset may put a reporter one day
        // ahead.
        let first_day = today - 3;
        let days = (first_day..=today + 2).map(|day| self.sub_key(day)).collect();
        let next = self
            .next
            .as_ref()
            .map(|next| Box::new(Next { first_day: next.first_day, key: next.key.around(now) }));
        DayKeys { key: self.clone(), first_day, days, next }
    }

    fn sub_key(&self, day: i64) -> Hmac<Sha256> {
        keyed(&digest(&self.root, &[b"groundswell day", &day.to_be_bytes()]))
    }
}

impl Replacement {
    /// When the first reporters go over to the new key.
    #[must_use]
    pub const fn begins_at(self) -> Timestamp {
        Timestamp(self.day.saturating_mul(DAY_MS))
    }

    /// When no report can come any more that the key before hashes.
    #[must_use]
    pub const fn is_over_at(self, lateness_ms: i64) -> Timestamp {
        self.begins_at().plus_ms(DAY_MS).plus_ms(lateness_ms)
    }
}

impl DayKeys {
    /// The reporter of that id at that time.
    ///
    /// `observed_as_sent` is the observed time before any correction, so that a repeated
    /// report falls into the same period however late it is repeated. The offset spreads
    /// the edges of days and periods evenly over reporters: there is no hour at which
    /// everyone counts anew.
    #[must_use]
    pub fn reporter(&self, id: &str, observed_as_sent: Timestamp) -> Reporter {
        let offset =
            first_64_bits(digest(&self.key.offset, &[id.as_bytes()])) % DAY_MS.unsigned_abs();
        let shifted = observed_as_sent.0.saturating_add_unsigned(offset);
        let day = shifted.div_euclid(DAY_MS);
        if let Some(next) = self.next_on(day) {
            return next.reporter(id, observed_as_sent);
        }
        let slot = shifted.rem_euclid(DAY_MS) / PERIOD_MS;
        let hash = self.hash(day, &[id.as_bytes()]);
        Reporter {
            hash,
            slot: u8::try_from(slot).expect("a day has twelve periods"),
            identity: Identity::Own,
        }
    }

    /// Who stands for all senders of shared ids in a cell and minute: whoever they are,
    /// they count once there.
    #[must_use]
    pub fn anybody(&self, cell: Cell, minute: Minute) -> Reporter {
        // No id begins so: ids are UTF-8.
        const NO_ID: &[u8] = &[0xff];
        let at = minute.start().0;
        let day = at.div_euclid(DAY_MS);
        if let Some(next) = self.next_on(day) {
            return next.anybody(cell, minute);
        }
        let hash = self.hash(day, &[NO_ID, &cell.packed().to_be_bytes(), &minute.0.to_be_bytes()]);
        let slot = at.rem_euclid(DAY_MS) / PERIOD_MS;
        Reporter {
            hash,
            slot: u8::try_from(slot).expect("a day has twelve periods"),
            identity: Identity::Shared,
        }
    }

    /// The key that has followed by that day of a reporter, if one has.
    fn next_on(&self, day: i64) -> Option<&Self> {
        self.next.as_deref().filter(|next| next.first_day <= day).map(|next| &next.key)
    }

    /// The day and what identifies somebody on it, as one number.
    fn hash(&self, day: i64, parts: &[&[u8]]) -> u64 {
        let near =
            usize::try_from(day - self.first_day).ok().and_then(|index| self.days.get(index));
        let digest = match near {
            Some(sub_key) => digest(sub_key, parts),
            None => digest(&self.key.sub_key(day), parts),
        };
        (day.rem_euclid(64) as u64) << DAY_SHIFT | first_64_bits(digest) & ((1 << DAY_SHIFT) - 1)
    }

    /// Whether these were prepared for the day of `now`.
    #[must_use]
    pub const fn are_for(&self, now: Timestamp) -> bool {
        self.first_day + 3 == now.0.div_euclid(DAY_MS)
    }

    /// The key they were made from.
    #[must_use]
    pub const fn key(&self) -> &ReporterKey {
        &self.key
    }
}

impl std::fmt::Debug for ReporterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ReporterKey(secret)")
    }
}

impl std::fmt::Debug for DayKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DayKeys(secret, days from {})", self.first_day)
    }
}

fn keyed(secret: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret).expect("HMAC takes a key of any length")
}

fn digest(key: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = key.clone();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn first_64_bits(digest: [u8; 32]) -> u64 {
    let (head, _) = digest.split_first_chunk().expect("a digest has 32 bytes");
    u64::from_be_bytes(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp(20_000 * DAY_MS + 12 * HOUR_MS);

    fn keys() -> DayKeys {
        ReporterKey::new(b"secret").around(NOON)
    }

    #[test]
    fn a_day_of_a_reporter_has_twelve_periods_of_two_hours_and_one_hash() {
        let reporters: Vec<_> = (0..48)
            .map(|half_hours| keys().reporter("a", NOON.plus_ms(half_hours * HOUR_MS / 2)))
            .collect();
        let mut hashes: Vec<_> = reporters.iter().map(|r| r.hash).collect();
        hashes.dedup();
        assert!(hashes.len() <= 2, "24 hours touch at most two of a reporter's days");
        let mut periods: Vec<_> = reporters.iter().map(|r| (r.hash, r.slot)).collect();
        periods.dedup();
        assert!(
            (12..=13).contains(&periods.len()),
            "24 hours touch twelve or thirteen periods, got {}",
            periods.len()
        );
    }

    #[test]
    fn days_far_from_now_hash_as_they_did_when_they_were_near() {
        let long_ago = NOON.plus_ms(-4_000 * DAY_MS);
        let then = ReporterKey::new(b"secret").around(long_ago);
        assert_eq!(keys().reporter("a", long_ago), then.reporter("a", long_ago));
        assert_eq!(
            keys().reporter("a", Timestamp(i64::MAX)).slot,
            then.reporter("a", Timestamp(i64::MAX)).slot
        );
    }

    #[test]
    fn another_key_another_id_and_another_day_give_another_hash() {
        let base = keys().reporter("a", NOON).hash;
        assert_ne!(base, ReporterKey::new(b"other").around(NOON).reporter("a", NOON).hash);
        assert_ne!(base, keys().reporter("b", NOON).hash);
        assert_ne!(base, keys().reporter("a", NOON.plus_ms(DAY_MS)).hash);
        assert_ne!(
            ReporterKey::new(b"secret").check_value(),
            ReporterKey::new(b"other").check_value()
        );
    }

    #[test]
    fn anybody_is_another_in_another_cell_and_minute_and_never_somebody() {
        let cells =
            [Cell::NOWHERE, Cell::NOWHERE.rolled_up_to(crate::domain::grid::Resolution::COARSEST)];
        let minute = NOON.minute();
        let anybody = keys().anybody(cells[0], minute);
        assert_eq!(anybody, keys().anybody(cells[0], minute));
        assert_eq!((anybody.identity, anybody.slot), (Identity::Shared, 6));
        assert_ne!(anybody.hash, keys().anybody(cells[1], minute).hash);
        assert_ne!(anybody.hash, keys().anybody(cells[0], minute.plus(1)).hash);
        assert_eq!(anybody.hash >> DAY_SHIFT, 20_000 % 64, "so that a store can forget the day");
        let long_ago = Minute(minute.0 - 4_000 * 24 * 60);
        assert_eq!(
            keys().anybody(cells[0], long_ago),
            ReporterKey::new(b"secret").around(long_ago.start()).anybody(cells[0], long_ago)
        );
    }

    #[test]
    fn a_reporter_goes_over_to_the_next_key_once_at_the_end_of_a_day_of_theirs() {
        let [old, new] = [b"secret", b"newest"].map(|secret| ReporterKey::new(secret));
        let day = NOON.0 / DAY_MS;
        let both = old.clone().replaced_by(new.clone(), day);
        let keys = [&old, &new, &both].map(|key| key.around(NOON));
        let replacement = Replacement { by: new.check_value(), day };
        let (begin, end) = (replacement.begins_at(), replacement.is_over_at(0));
        let edge = |n: i64| begin.plus_ms(n * 20 * 60_000);
        for id in (0..40).map(|n: i32| n.to_string()) {
            let [old, new, both] = keys
                .each_ref()
                .map(|keys| (-36..=108).map(|n| keys.reporter(&id, edge(n))).collect::<Vec<_>>());
            let of_old = both.iter().zip(&old).take_while(|(both, old)| both == old).count();
            assert_eq!(both[of_old..], new[of_old..], "{id}: once, and for all that follow");
            let over = edge(of_old as i64 - 36);
            assert!(begin < over && over <= end, "{id} goes over at {over}");
            assert!(
                old[of_old].hash >> DAY_SHIFT != old[of_old - 1].hash >> DAY_SHIFT,
                "{id}: at the end of a day"
            );
            // So a claim of two hours is cut, and nobody counts twice in it.
            let periods = |reporters: &[Reporter]| {
                let mut periods: Vec<_> = reporters.iter().map(|r| (r.hash, r.slot)).collect();
                periods.dedup();
                periods.len()
            };
            assert!(periods(&both) <= periods(&old) + 1, "{id}");
        }
        assert_eq!(both.check_value(), old.check_value());
    }

    #[test]
    fn nobody_of_their_own_goes_over_with_the_day_after() {
        let [old, new] = [b"secret", b"newest"].map(|secret| ReporterKey::new(secret));
        let day = NOON.0 / DAY_MS;
        let both = old.clone().replaced_by(new.clone(), day).around(NOON);
        let next_day = Timestamp((day + 1) * DAY_MS).minute();
        let anybody = |keys: &DayKeys, minute| keys.anybody(Cell::NOWHERE, minute);
        for (minute, key) in [(next_day.plus(-1), &old), (next_day, &new)] {
            assert_eq!(anybody(&both, minute), anybody(&key.around(NOON), minute));
        }
    }

    #[test]
    fn a_key_knows_the_replacement_that_it_was_told_of_and_the_one_after_needs_no_telling() {
        let [old, new] = [b"secret", b"newest"].map(|secret| ReporterKey::new(secret));
        let replacement = Replacement { by: new.check_value(), day: 20_000 };
        let told = |day| old.clone().replaced_by(new.clone(), day);
        let rows = [
            (old.clone(), false),
            (new.clone(), true),
            (told(20_000), true),
            (told(20_001), false),
        ];
        for (key, knows) in rows {
            assert_eq!(key.knows(replacement), knows, "{}", key.has_next());
        }
        let other = old.replaced_by(ReporterKey::new(b"other"), 20_000);
        assert!(!other.knows(replacement));
    }

    #[test]
    fn the_edges_of_periods_are_spread_over_reporters() {
        let edge_in_next_ten_minutes = (0..1_200)
            .filter(|n| {
                let id = n.to_string();
                keys().reporter(&id, NOON) != keys().reporter(&id, NOON.plus_ms(10 * 60_000))
            })
            .count();
        assert!(
            (50..150).contains(&edge_in_next_ten_minutes),
            "one in twelve is expected, got {edge_in_next_ten_minutes} of 1200"
        );
    }
}
