//! What a minute holds more, or less, than when it was last read.

use crate::domain::counts::Counts;
use crate::domain::fact::{FactKey, Tally};

/// By how much the rows of a minute differ from those that were read before.
///
/// Where both readings are settled, what is the same in both is left out: of a minute
/// that reports still come for, that is most of it.
pub fn changes(before: Option<&Counts>, after: &Counts) -> Vec<(FactKey, i64)> {
    let more = after.rows().map(counted);
    let Some(before) = before else { return more.collect() };
    let less = before.rows().map(counted).map(|(key, n)| (key, -n));
    if before.is_settled() && after.is_settled() {
        merged(less, more)
    } else {
        less.chain(more).collect()
    }
}

/// Both in one, sorted as both are, without rows that cancel each other out.
fn merged(
    less: impl Iterator<Item = (FactKey, i64)>,
    more: impl Iterator<Item = (FactKey, i64)>,
) -> Vec<(FactKey, i64)> {
    let (mut less, mut changes) = (less.peekable(), Vec::new());
    for (key, n) in more {
        while let Some(gone) = less.next_if(|(other, _)| *other < key) {
            changes.push(gone);
        }
        let n = n + less.next_if(|(other, _)| *other == key).map_or(0, |(_, n)| n);
        if n != 0 {
            changes.push((key, n));
        }
    }
    changes.extend(less);
    changes
}

fn counted((key, tally): (FactKey, Tally)) -> (FactKey, i64) {
    (key, i64::from(tally.count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fact::{Lane, Source};
    use crate::domain::grid::{Cell, Position, Resolution};
    use crate::domain::symptom::Symptom;

    fn row(place: u8, count: u32) -> (FactKey, Tally) {
        let cell = Cell::at(Position::new(f64::from(place), 179.0).unwrap(), Resolution::FINEST);
        (FactKey::new(cell, Symptom::NoService, Lane::OnTime, Source(0)), Tally { count, first: 1 })
    }

    fn unsettled(rows: &[(FactKey, Tally)]) -> Counts {
        let mut counts = Counts::default();
        for (key, tally) in rows {
            counts.add(*key, *tally);
        }
        counts
    }

    fn summed(mut changes: Vec<(FactKey, i64)>) -> Vec<(FactKey, i64)> {
        changes.sort_unstable();
        changes.dedup_by(|later, kept| {
            later.0 == kept.0 && {
                kept.1 += later.1;
                true
            }
        });
        changes.retain(|(_, n)| *n != 0);
        changes
    }

    #[test]
    fn settled_or_not_the_same_changes_are_found() {
        let before = [row(1, 1), row(3, 2), row(5, 7), row(8, 1)];
        let after = [row(2, 4), row(3, 2), row(5, 9), row(9, 1)];
        let settled = |rows: &[_]| Counts::from_rows(rows.to_vec());
        let found = changes(Some(&settled(&before)), &settled(&after));
        assert_eq!(found.len(), 5);
        assert_eq!(
            summed(found.clone()),
            summed(changes(Some(&unsettled(&before)), &unsettled(&after)))
        );
        assert_eq!(summed(found), summed(changes(Some(&settled(&before)), &unsettled(&after))));
        assert_eq!(changes(None, &settled(&after)).len(), 4);
    }
}
