//! R7, second part: Vodafone UK, 9 June 2020, with three healthy neighbours.

use super::{
    Area, Brand, Cause, Count, Scenario, Surge, Trade, Within, brand, collateral, country,
};
use crate::simulate::curve::{Point, fitted, record};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "vodafone-uk-2020",
    title: "Vodafone, United Kingdom, 9 June 2020: collateral on three healthy carriers, of exact \
         counts",
    from: "2020-06-09T00:00:00+01:00",
    until: "2020-06-10T00:00:00+01:00",
    brands: &BRANDS,
    surges: &SURGES,
    counts: &[
        Count { provider: "vodafone-uk", at: PEAK, reports: 9_686.0, record: "9,686 at 04:45 GMT" },
        Count { provider: "o2-uk", at: PEAK, reports: 519.0, record: "519" },
        Count { provider: "ee", at: PEAK, reports: 411.0, record: "411" },
        Count { provider: "three-uk", at: PEAK, reports: 322.0, record: "322" },
    ],
    words: &[],
};

const PEAK: &str = "2020-06-09T04:45:00Z";

static BRANDS: [Brand; 5] = [
    brand("vodafone-uk", Trade::Mobile, 14.0, &UK),
    brand("o2-uk", Trade::Mobile, 15.0, &UK),
    brand("ee", Trade::Mobile, 15.0, &UK),
    brand("three-uk", Trade::Mobile, 14.0, &UK),
    brand("giffgaff", Trade::Mobile, 3.0, &UK),
];

static UK: [Area; 1] = [country("United Kingdom", "GB")];
/// No time of its end is on record.
static AFFECTED: [Area; 1] = [Area {
    name: "United Kingdom",
    within: Within::Country("GB"),
    share: 1.0,
    back: Some("2020-06-09T08:00:00Z"),
}];

static SURGES: [Surge; 4] = [
    Surge {
        provider: "vodafone-uk",
        cause: Cause::Outage,
        curve: &CURVE,
        scale: 1.0,
        areas: &AFFECTED,
        flaps: &[],
        late_share: 0.1,
    },
    // Less what is reported of them on quiet days at that hour.
    collateral("o2-uk", "vodafone-uk", &CURVE, 0.0531, &UK),
    collateral("ee", "vodafone-uk", &CURVE, 0.0419, &UK),
    collateral("three-uk", "vodafone-uk", &CURVE, 0.0328, &UK),
];

/// Only the peak is on record.
static CURVE: [Point; 8] = [
    fitted("2020-06-09T03:50:00Z", 20.0),
    fitted("2020-06-09T04:10:00Z", 2_500.0),
    fitted("2020-06-09T04:37:00Z", 9_600.0),
    record(PEAK, 9_686.0),
    fitted("2020-06-09T04:53:00Z", 9_600.0),
    fitted("2020-06-09T05:30:00Z", 7_000.0),
    fitted("2020-06-09T08:00:00Z", 700.0),
    fitted("2020-06-09T11:00:00Z", 10.0),
];
