//! Hours in which nobody was there to take reports.

use super::world::{DAY, HOUR, TORONTO, World, town};

/// Thirty reports an hour from a town, and nobody there to take them from the tenth to
/// the sixteenth hour of the eighth day.
pub fn six_hours_away(seed: u64) -> World {
    World::new(seed)
        .reports(&town(TORONTO, 5), 30.0, 0..9 * DAY)
        .away(7 * DAY + 10 * HOUR..7 * DAY + 16 * HOUR)
}

#[test]
fn a_gap_in_which_nobody_was_there_is_no_outage_and_neither_is_its_end() {
    for seed in 0..3 {
        six_hours_away(seed).watched(7 * DAY + 8 * HOUR..8 * DAY).is_silent();
    }
}

#[test]
fn an_outage_after_a_gap_is_found_all_the_same() {
    let end = 7 * DAY + 16 * HOUR;
    let down = six_hours_away(1).reports(&town(TORONTO, 2), 120.0, end + HOUR..end + 2 * HOUR);
    let story = down.watched(7 * DAY + 15 * HOUR..end + 3 * HOUR);
    assert!(super::story::minute_of(story.only().detected_at) < end + HOUR + 30, "{story}");
}
