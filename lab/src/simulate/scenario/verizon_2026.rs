//! R5: Verizon, USA, 14 January 2026. The steepest rise on record, and a long tail.

use super::{
    Area, Brand, Cause, Count, Scenario, Surge, Trade, Within, Word, brand, collateral, country,
    metro,
};
use crate::simulate::curve::{Point, fitted, record};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "verizon-2026",
    title: "Verizon, USA, 14 January 2026: 115,000 reports within half an hour of the onset, back \
         after ten hours",
    from: "2026-01-14T00:00:00-05:00",
    until: "2026-01-15T12:00:00-05:00",
    brands: &BRANDS,
    surges: &SURGES,
    counts: &[
        Count {
            provider: "verizon",
            at: "2026-01-14T13:00:00-05:00",
            reports: 115_000.0,
            record: "about 115,000 by about 13:00 ET",
        },
        Count {
            provider: "verizon",
            at: "2026-01-14T13:25:00-05:00",
            reports: 178_000.0,
            record: "178,000 in a 15-minute window, at a time not on record",
        },
        Count {
            provider: "verizon",
            at: "2026-01-14T20:30:00-05:00",
            reports: 25_000.0,
            record: "tens of thousands, 20:00 to 21:00 ET",
        },
    ],
    words: &[Word {
        at: "2026-01-14T22:15:00-05:00",
        text: "The company says that it is resolved",
    }],
};

static BRANDS: [Brand; 4] = [
    brand("verizon", Trade::Mobile, 45.0, &USA),
    brand("att", Trade::Mobile, 42.0, &USA),
    brand("t-mobile-us", Trade::Mobile, 38.0, &USA),
    brand("uscellular", Trade::Mobile, 4.0, &USA),
];

const BACK: Option<&str> = Some("2026-01-14T22:17:00-05:00");

static USA: [Area; 1] = [country("USA", "US")];
/// Seven regions stand out; the shares are fitted.
static AFFECTED: [Area; 8] = [
    Area { name: "USA", within: Within::Country("US"), share: 0.58, back: BACK },
    metro("New York City", "NY", 0.12, BACK),
    metro("Atlanta", "GA", 0.06, BACK),
    metro("Charlotte", "NC", 0.05, BACK),
    metro("Houston", "TX", 0.05, BACK),
    metro("Washington", "DC", 0.06, BACK),
    metro("Chicago", "IL", 0.05, BACK),
    metro("Cherry Hill", "NJ", 0.03, BACK),
];

static SURGES: [Surge; 3] = [
    Surge {
        provider: "verizon",
        cause: Cause::Outage,
        curve: &CURVE,
        scale: 1.0,
        areas: &AFFECTED,
        flaps: &[],
        late_share: 0.1,
    },
    // No counts of its neighbours are on record; as in 2024.
    collateral("att", "verizon", &CURVE, 0.012, &USA),
    collateral("t-mobile-us", "verizon", &CURVE, 0.012, &USA),
];

/// The whole sums to over 1.5 million, as is on record.
static CURVE: [Point; 15] = [
    fitted("2026-01-14T12:30:00-05:00", 100.0),
    fitted("2026-01-14T12:40:00-05:00", 12_000.0),
    fitted("2026-01-14T12:46:00-05:00", 60_000.0),
    fitted("2026-01-14T12:52:00-05:00", 98_000.0),
    record("2026-01-14T13:00:00-05:00", 115_000.0),
    fitted("2026-01-14T13:17:00-05:00", 176_000.0),
    record("2026-01-14T13:25:00-05:00", 180_000.0),
    fitted("2026-01-14T13:33:00-05:00", 174_000.0),
    fitted("2026-01-14T14:00:00-05:00", 95_000.0),
    fitted("2026-01-14T15:00:00-05:00", 50_000.0),
    fitted("2026-01-14T16:30:00-05:00", 32_000.0),
    record("2026-01-14T20:30:00-05:00", 25_000.0),
    fitted("2026-01-14T22:17:00-05:00", 9_000.0),
    fitted("2026-01-15T01:00:00-05:00", 400.0),
    fitted("2026-01-15T04:00:00-05:00", 20.0),
];
