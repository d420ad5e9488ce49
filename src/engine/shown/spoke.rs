//! Who was heard of since an incident began, for its public form to be named by.

use super::openness::Terms;
use crate::domain::cell_set::CellSet;
use crate::domain::grid::Cell;
use crate::domain::privacy::mass::heard;
use crate::domain::privacy::naming::Spoke;
use crate::domain::provider::ProviderIndex;
use crate::domain::time::Minute;
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::ops::Range;

/// Minutes that are read at once.
const MINUTES_AT_ONCE: i64 = 360;

/// Who was heard of in some minutes of a provider: in these cells, and in the cells of a
/// zone. What was withdrawn since counts, as it does for the map: a void must refine no
/// place.
///
/// # Errors
/// Where the store cannot be read.
pub async fn spoke(
    store: &Store,
    terms: &Terms,
    (provider, id): (ProviderIndex, &str),
    minutes: Range<Minute>,
    (cells, zone): (&[Cell], Vec<Cell>),
) -> Result<Spoke, StoreError> {
    // A zone that is finer than what is shown is named by what is.
    let finest = terms.rules.latest().finest;
    let zone_shown = zone.iter().map(|cell| cell.rolled_up_to(finest));
    let around: CellSet = cells.iter().copied().chain(zone_shown).collect();
    let mut people: BTreeMap<Cell, u32> = BTreeMap::new();
    let mut next = minutes.start;
    while next < minutes.end {
        let until = minutes.end.min(next.plus(MINUTES_AT_ONCE));
        for (minute, counts) in store.minutes_at_rest(provider, next..until).await? {
            for (cell, count) in heard(counts.rows(), &terms.coin, id, minute) {
                if around.holds(cell) {
                    *people.entry(cell).or_default() += count;
                }
            }
        }
        next = until;
    }
    Ok(Spoke { heard: people.into_iter().collect(), zone })
}
