//! Who was heard of since an incident began, for its public form to be named by.

use super::openness::Terms;
use crate::domain::cell_set::CellSet;
use crate::domain::grid::Cell;
use crate::domain::privacy::mass::{Heard, heard};
use crate::domain::privacy::naming::Spoke;
use crate::domain::privacy::people::People;
use crate::domain::privacy::rule::Rule;
use crate::domain::provider::ProviderIndex;
use crate::domain::time::Minute;
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::ops::Range;

/// Minutes that are read at once.
const MINUTES_AT_ONCE: i64 = 360;

/// Who was heard of in some minutes of a provider. What was withdrawn since counts, as it
/// does for the map: a void must refine no place.
///
/// # Errors
/// Where the store cannot be read.
pub async fn heard_in(
    store: &Store,
    terms: &Terms,
    (provider, id): (ProviderIndex, &str),
    minutes: Range<Minute>,
) -> Result<Vec<Heard>, StoreError> {
    let mut people: BTreeMap<(Cell, Cell), People> = BTreeMap::new();
    for some in at_once(minutes) {
        for (minute, counts) in store.minutes_at_rest(provider, some).await? {
            for heard in heard(counts.rows(), terms.chance(), id, minute) {
                people.entry((heard.reported, heard.counted)).or_default().add(&heard.people);
            }
        }
    }
    let heard = |((reported, counted), people)| Heard { reported, counted, people };
    Ok(people.into_iter().map(heard).collect())
}

/// Whether so many people were heard of in some cells, in some minutes of a provider. Reads
/// no further than it must.
///
/// # Errors
/// Where the store cannot be read.
pub async fn are_heard_in(
    store: &Store,
    terms: &Terms,
    (provider, id): (ProviderIndex, &str),
    minutes: Range<Minute>,
    (cells, least): (&CellSet, u32),
) -> Result<bool, StoreError> {
    let mut people = 0;
    for some in at_once(minutes) {
        for (minute, counts) in store.minutes_at_rest(provider, some).await? {
            let heard = heard(counts.rows(), terms.chance(), id, minute);
            let here = heard.filter(|heard| cells.holds(heard.reported));
            people += here.map(|heard| u64::from(heard.people.in_zone())).sum::<u64>();
            if u64::from(least) <= people {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn at_once(minutes: Range<Minute>) -> impl Iterator<Item = Range<Minute>> {
    let starts = (minutes.start.0..minutes.end.0).step_by(MINUTES_AT_ONCE as usize);
    starts.map(move |start| Minute(start)..minutes.end.min(Minute(start).plus(MINUTES_AT_ONCE)))
}

/// Those of them in some cells, and in the cells of a zone.
#[must_use]
pub fn spoke(heard: &[Heard], cells: &[Cell], zone: Vec<Cell>, rule: Rule) -> Spoke {
    // A zone that is finer than what is shown is named by what is.
    let zone_shown = zone.iter().map(|cell| cell.rolled_up_to(rule.finest));
    let around: CellSet = cells.iter().copied().chain(zone_shown).collect();
    let heard = heard.iter().filter(|heard| around.holds(heard.reported)).copied().collect();
    Spoke { heard, zone }
}
