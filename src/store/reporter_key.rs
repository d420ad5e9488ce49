//! What a store says of its reporter key: which it was written with, and by which it is
//! replaced. A store knows check values, never a secret.

use crate::domain::reporter::{Replacement, ReporterKey};
use crate::domain::time::Timestamp;

/// The reporter key that a store was written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyOnRecord {
    /// Its check value.
    pub check: u64,
    /// By which it is replaced, if it is.
    pub replacement: Option<Replacement>,
}

/// Why a node may not hash reporters with the keys that it was given. Each message says
/// the way out.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// It has the key before alone, and reporters go over to the next one.
    #[error(
        "the reporter key of {place} is replaced since {since}: give the next one too \
         (GROUNDSWELL_NEXT_REPORTER_KEY or --next-reporter-key-file), and from {until} on that one \
         alone"
    )]
    Replaced {
        /// Which store.
        place: String,
        /// From when on.
        since: Timestamp,
        /// Until when both are needed.
        until: Timestamp,
    },
    /// It has the new key alone, and reports of the one before may still come.
    #[error(
        "this is the next reporter key of {place}, and reports that the one before hashes may \
         come until {until}: give that one as --reporter-key (GROUNDSWELL_REPORTER_KEY), and this \
         one as --next-reporter-key (GROUNDSWELL_NEXT_REPORTER_KEY)"
    )]
    BeforeIsMissing {
        /// Which store.
        place: String,
        /// Until when both are needed.
        until: Timestamp,
    },
    /// The next key is another than the one on record.
    #[error(
        "the next reporter key is another than the one by which that of {place} is replaced: give \
         the one that groundswell reporter-key replace was given"
    )]
    OtherNext {
        /// Which store.
        place: String,
    },
    /// A next key was given, and the store knows of none.
    #[error(
        "a next reporter key was given, but that of {place} is not replaced: run groundswell \
         reporter-key replace first, which sets the day, or leave it out"
    )]
    NotOnRecord {
        /// Which store.
        place: String,
    },
    /// The node runs with what was on record before.
    #[error(
        "the replacement of the reporter key of {place} was changed since this node started: \
         restart it"
    )]
    Changed {
        /// Which store.
        place: String,
    },
}

/// Why a reporter key is not replaced.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplaceError {
    /// The key that was given is not the one in force.
    #[error(
        "{0} was written with another reporter key: give the one in force \
         (GROUNDSWELL_REPORTER_KEY or its reporter.key)"
    )]
    NotInForce(String),
    /// By itself.
    #[error("the next reporter key is the one in force: give another")]
    Same,
    /// Reports of the key before the one in force may still come.
    #[error(
        "the reporter key of {place} is being replaced already, until {until}: replace it again \
         after that"
    )]
    UnderWay {
        /// Which store.
        place: String,
        /// Until when.
        until: Timestamp,
    },
}

impl KeyOnRecord {
    /// Whether a node with this key may open the store: it is the one on record, or the
    /// one that replaces it.
    #[must_use]
    pub fn admits(&self, check: u64) -> bool {
        self.check == check || self.replacement.is_some_and(|replacement| replacement.by == check)
    }

    /// The key in force, which must be among those that were `given`: the next one, where
    /// nothing of the one before can come any more.
    ///
    /// # Errors
    /// Where it is not among them, or a replacement is under way.
    pub fn in_force(
        self,
        given: &[u64],
        (now, lateness_ms): (Timestamp, i64),
        place: &str,
    ) -> Result<u64, ReplaceError> {
        let check = match self.replacement {
            Some(before) if before.begins_at() <= now => {
                let until = before.is_over_at(lateness_ms);
                if now < until {
                    return Err(ReplaceError::UnderWay { place: place.to_owned(), until });
                }
                before.by
            }
            _ => self.check,
        };
        if !given.contains(&check) {
            return Err(ReplaceError::NotInForce(place.to_owned()));
        }
        Ok(check)
    }

    /// What is on record once its key is replaced. One that is on record already gives way
    /// where nobody has gone over yet.
    ///
    /// # Errors
    /// As [`Self::in_force`], and where the next key is the one in force.
    pub fn replaced(
        self,
        given: &[u64],
        replacement: Replacement,
        at: (Timestamp, i64),
        place: &str,
    ) -> Result<Self, ReplaceError> {
        let check = self.in_force(given, at, place)?;
        if replacement.by == check {
            return Err(ReplaceError::Same);
        }
        Ok(Self { check, replacement: Some(replacement) })
    }
}

/// The key that a node hashes reporters with: the one that opened the store, and the next
/// one where the store's is replaced. `next` are what the secret that was given may stand
/// for; none where none was given.
///
/// # Errors
/// Where one is missing, or is not the one on record.
pub fn key_in_force(
    key: ReporterKey,
    next: Option<Vec<ReporterKey>>,
    replacement: Option<Replacement>,
    (now, lateness_ms): (Timestamp, i64),
    place: &str,
) -> Result<ReporterKey, KeyFault> {
    let place = place.to_owned();
    let Some(replacement) = replacement else {
        return if next.is_some() { Err(KeyFault::NotOnRecord { place }) } else { Ok(key) };
    };
    let until = replacement.is_over_at(lateness_ms);
    if key.check_value() == replacement.by {
        let is_over = until <= now;
        return if is_over { Ok(key) } else { Err(KeyFault::BeforeIsMissing { place, until }) };
    }
    match next {
        Some(next) => {
            let next = next.into_iter().find(|next| next.check_value() == replacement.by);
            let next = next.ok_or(KeyFault::OtherNext { place })?;
            Ok(key.replaced_by(next, replacement.day))
        }
        None if now < replacement.begins_at() => Ok(key),
        None => Err(KeyFault::Replaced { place, since: replacement.begins_at(), until }),
    }
}

/// Why a node that runs should not take reports with its key, as the store says now.
///
/// # Errors
/// Where it lacks the next key and the day has come, or was told of another replacement.
pub fn check_running(
    key: &ReporterKey,
    replacement: Option<Replacement>,
    (now, lateness_ms): (Timestamp, i64),
    place: &str,
) -> Result<(), KeyFault> {
    match replacement {
        Some(replacement) if !key.knows(replacement) => {
            if key.has_next() {
                return Err(KeyFault::Changed { place: place.to_owned() });
            }
            key_in_force(key.clone(), None, Some(replacement), (now, lateness_ms), place).map(drop)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::{DEFAULT_LATENESS_MS, HOUR_MS};

    const DAY: i64 = 20_000;
    const PLACE: &str = "a store";

    fn key(secret: &str) -> ReporterKey {
        ReporterKey::new(secret.as_bytes())
    }

    fn hours_after_day_begins(hours: i64) -> (Timestamp, i64) {
        (Timestamp((DAY * 24 + hours) * HOUR_MS), DEFAULT_LATENESS_MS)
    }

    fn on_record() -> Replacement {
        Replacement { by: key("new").check_value(), day: DAY }
    }

    #[test]
    fn a_node_needs_both_keys_from_the_day_on_until_nothing_of_the_old_one_can_come() {
        let started = |own: &str, next: Option<&str>, hours| {
            let next = next.map(|next| vec![key("text that it is not"), key(next)]);
            let at = hours_after_day_begins(hours);
            key_in_force(key(own), next, Some(on_record()), at, PLACE)
        };
        let until = Timestamp((DAY * 24 + 72) * HOUR_MS);
        let place = || PLACE.to_owned();
        for hours in [-1, 0, 71, 72] {
            assert!(started("old", Some("new"), hours).unwrap().knows(on_record()));
            assert_eq!(
                started("old", Some("other"), hours).unwrap_err(),
                KeyFault::OtherNext { place: place() }
            );
            let alone = started("old", None, hours).map(|key| key.has_next());
            let since = Timestamp(DAY * 24 * HOUR_MS);
            let replaced = KeyFault::Replaced { place: place(), since, until };
            assert_eq!(alone, if hours < 0 { Ok(false) } else { Err(replaced) }, "{hours}");
            let new = started("new", None, hours).map(|key| key.has_next());
            let missing = KeyFault::BeforeIsMissing { place: place(), until };
            assert_eq!(new, if hours < 72 { Err(missing) } else { Ok(false) }, "{hours}");
        }
        let unknown = key_in_force(
            key("old"),
            Some(vec![key("new")]),
            None,
            hours_after_day_begins(0),
            PLACE,
        );
        assert_eq!(unknown.unwrap_err(), KeyFault::NotOnRecord { place: place() });
    }

    #[test]
    fn a_node_that_runs_is_told_once_it_hashes_otherwise_than_others() {
        let told = |day| key("old").replaced_by(key("new"), day);
        let rows = [
            (key("old"), -1, true),
            (key("old"), 0, false),
            (told(DAY), 0, true),
            (told(DAY + 1), -1, false),
            (key("new"), 100, true),
        ];
        for (key, hours, is_fit) in rows {
            let at = hours_after_day_begins(hours);
            let fault = check_running(&key, Some(on_record()), at, PLACE);
            assert_eq!(fault.is_ok(), is_fit, "{hours}: {fault:?}");
            assert_eq!(check_running(&key, None, at, PLACE), Ok(()));
        }
    }

    #[test]
    fn a_key_is_replaced_by_another_and_again_once_nothing_of_the_one_before_can_come() {
        let check = |secret: &str| key(secret).check_value();
        let by = |secret: &str| Replacement { by: check(secret), day: DAY };
        let first = KeyOnRecord { check: check("old"), replacement: None };
        let replaced = |record: KeyOnRecord, in_force: &str, next: &str, hours| {
            record.replaced(&[check(in_force)], by(next), hours_after_day_begins(hours), PLACE)
        };
        assert_eq!(replaced(first, "old", "old", -30), Err(ReplaceError::Same));
        assert_eq!(
            replaced(first, "other", "new", -30),
            Err(ReplaceError::NotInForce(PLACE.into()))
        );
        let second = replaced(first, "old", "new", -30).unwrap();
        assert_eq!(second, KeyOnRecord { check: check("old"), replacement: Some(by("new")) });
        assert!(second.admits(check("old")) && second.admits(check("new")));
        assert!(!second.admits(check("newest")) && !first.admits(check("new")));
        // Nobody has gone over: the old one is still in force.
        assert_eq!(
            replaced(second, "old", "newest", -1).unwrap(),
            KeyOnRecord { check: check("old"), replacement: Some(by("newest")) }
        );
        for hours in [0, 71] {
            assert!(matches!(
                replaced(second, "old", "newest", hours),
                Err(ReplaceError::UnderWay { .. })
            ));
        }
        assert_eq!(
            replaced(second, "old", "newest", 72),
            Err(ReplaceError::NotInForce(PLACE.into()))
        );
        let third = replaced(second, "new", "newest", 72).unwrap();
        assert_eq!(third, KeyOnRecord { check: check("new"), replacement: Some(by("newest")) });
    }
}
