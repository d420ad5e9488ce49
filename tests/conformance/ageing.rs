//! What becomes of facts and claims as they age: they read the same, until they are
//! forgotten.

use super::*;

pub fn minutes_read_the_same_before_while_and_after_they_age(kind: Kind) {
    let mut store = TestStore::new(kind);
    store.record(&over_six_hours());
    let before = store.facts(ALPHA);
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                assert_eq!(store.facts(ALPHA), before, "while they age");
            }
        });
        for hours in 44..=52 {
            store.tidy(now().plus_ms(hours * HOUR_MS));
            assert_eq!(store.facts(ALPHA), before, "{hours} h later");
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        reading.join().unwrap();
    });
    assert_eq!(store.size().live_rows, 0, "all have aged");
    for ending in [Ending::Died, Ending::Closed, Ending::Died] {
        store.reopen(ending);
        assert_eq!((store.facts(ALPHA), store.size().live_rows), (before.clone(), 0), "{ending:?}");
    }
}

pub fn hours_read_the_same_before_and_after_they_age(kind: Kind) {
    let mut store = TestStore::new(kind);
    store.record(&over_six_hours());
    let hour = now().minute().hour();
    let read = |store: &TestStore| rows_by_hour(&store.hours(ALPHA, hour.plus(-9)..hour.plus(9)));
    let mut expected = BTreeMap::new();
    for ((minute, key), tally) in store.facts(ALPHA) {
        let sum: &mut Tally =
            expected.entry((minute.hour(), key.rolled_up_to(Resolution::HOURLY))).or_default();
        *sum = sum.plus(tally);
    }
    assert_eq!(read(&store), expected);
    for hours in [46, 48, 52] {
        store.tidy(now().plus_ms(hours * HOUR_MS));
        assert_eq!(read(&store), expected, "{hours} h later");
    }
    store.reopen(Ending::Died);
    assert_eq!(read(&store), expected);
    let two = rows_by_hour(&store.hours(ALPHA, hour.plus(-2)..hour));
    assert!(
        two.keys().all(|(h, _)| hour.plus(-2) <= *h && *h < hour) && !two.is_empty(),
        "half-open"
    );
}

pub fn what_is_added_to_an_aged_hour_adds_up(kind: Kind) {
    let mut store = TestStore::new(kind);
    let minute = now().minute();
    let sum = |n| facts(&[(minute, key(Lane::OnTime), n, n)]);
    let hour_sum = |store: &TestStore| {
        store
            .hours(ALPHA, minute.hour()..minute.hour().plus(1))
            .iter()
            .map(|(_, c)| total(c).count)
            .sum::<u32>()
    };
    for (n, ending) in (1..).zip([Ending::Died, Ending::Closed, Ending::Died]) {
        // The clock was set back: the hour is in the database, and reports of it still
        // come.
        store.record(&[report(u64::from(n))]);
        assert_eq!((store.facts(ALPHA), hour_sum(&store)), (sum(n), n), "added");
        store.reopen(ending);
        assert_eq!(
            (store.facts(ALPHA), hour_sum(&store)),
            (sum(n), n),
            "added and reopened: {ending:?}"
        );
        store.tidy(now().plus_ms(50 * HOUR_MS));
        assert_eq!((store.facts(ALPHA), hour_sum(&store)), (sum(n), n), "aged");
        store.reopen(ending);
        assert_eq!(
            (store.facts(ALPHA), hour_sum(&store), store.size().live_rows),
            (sum(n), n, 0),
            "aged and reopened: {ending:?}"
        );
    }
}

pub fn minutes_are_forgotten_a_day_after_readers_lose_them_and_hours_after_eight_weeks(kind: Kind) {
    let mut store = TestStore::new(kind);
    store.record(&[report(1)]);
    let (minute, hour) = (now().minute(), now().minute().hour());
    let kept = |store: &TestStore| {
        (
            store.minutes(ALPHA, minute..minute.plus(1)).len(),
            store.hours(ALPHA, hour..hour.plus(1)).len(),
        )
    };
    let days = |n: i64| now().plus_ms(n * 24 * HOUR_MS);
    for (later, expected) in [
        (days(MINUTES_KEPT_DAYS).plus_ms(HOUR_MS), (1, 1)),
        (days(MINUTES_AT_REST_DAYS), (1, 1)),
        (days(MINUTES_AT_REST_DAYS).plus_ms(HOUR_MS), (0, 1)),
        (days(HOURS_KEPT_DAYS), (0, 1)),
        (days(HOURS_KEPT_DAYS).plus_ms(HOUR_MS), (0, 0)),
    ] {
        store.tidy(later);
        assert_eq!(kept(&store), expected, "{later:?}");
        store.reopen(Ending::Died);
        assert_eq!(kept(&store), expected, "{later:?}, reopened");
    }
}

pub fn claims_are_known_for_the_lateness_and_forgotten_afterwards(kind: Kind) {
    let mut store = TestStore::new(kind);
    store.record(&[report(1)]);
    // A reporter's day may end 24 h after the observation, and a report of it come
    // another lateness later. Redis forgets a half-day at once.
    for hours in [1, 48, 72] {
        store.tidy(now().plus_ms(hours * HOUR_MS));
        store.reopen(Ending::Closed);
        assert_eq!(store.record(&[report(1)]), [Recorded::Duplicate], "{hours} h later");
    }
    store.tidy(now().plus_ms((48 + 25 + 12 + 1) * HOUR_MS));
    store.reopen(Ending::Closed);
    assert_eq!(store.record(&[report(1)]), [Recorded::Counted]);
}

pub fn live_minutes_are_remembered_for_as_long_as_hours(kind: Kind) {
    let mut store = TestStore::new(kind);
    let minute = now().minute();
    store.wait(store.store().mark_live(minute..minute.plus(2))).unwrap();
    store.wait(store.store().mark_live(minute.plus(2)..minute.plus(3))).unwrap();
    let covers =
        |store: &TestStore, range| store.wait(store.store().liveness()).unwrap().covers(range);
    for ending in [Ending::Died, Ending::Closed] {
        assert!(
            covers(&store, minute..minute.plus(3)) && !covers(&store, minute..minute.plus(4)),
            "before it {ending:?}"
        );
        store.reopen(ending);
    }
    store.tidy(now().plus_ms(HOURS_KEPT_DAYS * 24 * HOUR_MS));
    assert!(covers(&store, minute..minute.plus(3)));
    store.tidy(now().plus_ms((HOURS_KEPT_DAYS * 24 + 1) * HOUR_MS));
    assert!(!covers(&store, minute..minute.plus(3)));
}
