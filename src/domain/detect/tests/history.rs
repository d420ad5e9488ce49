//! Detectors with little history, and with enough.

use super::story::minute_of;
use super::world::{DAY, HOUR, TORONTO, WEEK, World, town};

#[test]
fn of_a_provider_without_history_nothing_is_told_for_hours_and_it_says_so() {
    let story =
        World::new(1).reports(&town(TORONTO, 4), 400.0, HOUR..3 * HOUR).watched(0..3 * HOUR);
    story.is_silent();
    assert!(story.detector.is_cold());
}

#[test]
fn after_a_day_of_history_a_plain_outage_is_found() {
    let outage = DAY + 2 * HOUR..DAY + 3 * HOUR;
    let world = World::new(2).reports(&town(TORONTO, 5), 10.0, 0..2 * DAY).reports(
        &town(TORONTO, 2),
        60.0,
        outage.clone(),
    );
    let story = world.watched(0..DAY + 4 * HOUR);
    assert!(story.detector.is_cold());
    let detected = minute_of(story.only().detected_at);
    assert!(outage.contains(&detected), "{story}");
}

#[test]
fn a_provider_with_a_week_of_history_is_not_cold() {
    assert!(
        !World::new(3)
            .reports(&town(TORONTO, 5), 10.0, 0..8 * DAY)
            .watched(WEEK..WEEK + 10)
            .detector
            .is_cold()
    );
}
