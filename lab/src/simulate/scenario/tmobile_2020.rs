//! R7, first part: T-Mobile US, 15 June 2020, whose healthy neighbours were reported
//! about for the calls that did not go through.

use super::{
    Area, Brand, Cause, Count, Scenario, Surge, Trade, Within, brand, collateral, country,
};
use crate::simulate::curve::{Point, fitted, record};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "tmobile-2020",
    title: "T-Mobile, USA, 15 June 2020: collateral on two healthy carriers, of exact counts",
    from: "2020-06-15T00:00:00-07:00",
    until: "2020-06-16T12:00:00-07:00",
    brands: &BRANDS,
    surges: &SURGES,
    counts: &[
        Count {
            provider: "t-mobile-us",
            at: "2020-06-15T12:00:00-07:00",
            reports: 113_980.0,
            record: "113,980 at 12:00 PT",
        },
        Count {
            provider: "verizon",
            at: "2020-06-15T13:30:00-07:00",
            reports: 8_619.0,
            record: "8,619 at about 13:30 PT",
        },
        Count {
            provider: "att",
            at: "2020-06-15T13:30:00-07:00",
            reports: 3_861.0,
            record: "3,861 at about 13:30 PT",
        },
    ],
    words: &[],
};

static BRANDS: [Brand; 4] = [
    brand("t-mobile-us", Trade::Mobile, 40.0, &USA),
    brand("verizon", Trade::Mobile, 45.0, &USA),
    brand("att", Trade::Mobile, 42.0, &USA),
    brand("uscellular", Trade::Mobile, 4.0, &USA),
];

static USA: [Area; 1] = [country("USA", "US")];
/// No time of its end is on record.
static AFFECTED: [Area; 1] = [Area {
    name: "USA",
    within: Within::Country("US"),
    share: 1.0,
    back: Some("2020-06-15T22:00:00-07:00"),
}];

static SURGES: [Surge; 3] = [
    Surge {
        provider: "t-mobile-us",
        cause: Cause::Outage,
        curve: &CURVE,
        scale: 1.0,
        areas: &AFFECTED,
        flaps: &[],
        late_share: 0.08,
    },
    // Less what is reported of them on quiet days.
    collateral("verizon", "t-mobile-us", &BESIDE, 8_560.0, &USA),
    collateral("att", "t-mobile-us", &BESIDE, 3_806.0, &USA),
];

static CURVE: [Point; 10] = [
    fitted("2020-06-15T09:30:00-07:00", 40.0),
    fitted("2020-06-15T10:00:00-07:00", 14_000.0),
    fitted("2020-06-15T10:30:00-07:00", 45_000.0),
    fitted("2020-06-15T11:15:00-07:00", 95_000.0),
    record("2020-06-15T12:00:00-07:00", 113_980.0),
    fitted("2020-06-15T13:30:00-07:00", 98_000.0),
    fitted("2020-06-15T16:00:00-07:00", 45_000.0),
    fitted("2020-06-15T19:00:00-07:00", 15_000.0),
    fitted("2020-06-15T22:00:00-07:00", 2_500.0),
    fitted("2020-06-16T03:00:00-07:00", 20.0),
];

/// Against its peak.
static BESIDE: [Point; 8] = [
    fitted("2020-06-15T09:40:00-07:00", 0.001),
    fitted("2020-06-15T10:30:00-07:00", 0.25),
    fitted("2020-06-15T12:00:00-07:00", 0.8),
    record("2020-06-15T13:30:00-07:00", 1.0),
    fitted("2020-06-15T15:00:00-07:00", 0.7),
    fitted("2020-06-15T18:00:00-07:00", 0.25),
    fitted("2020-06-15T21:00:00-07:00", 0.04),
    fitted("2020-06-16T00:00:00-07:00", 0.002),
];
