//! R2: AT&T Mobility, USA, 22 February 2024. A curve of two humps: by night, and after
//! the change was rolled back and all registered at once.

use super::{
    Area, Brand, Cause, Count, Scenario, Surge, Trade, Within, brand, collateral, country, metro,
};
use crate::simulate::curve::{Point, fitted, record};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "att-2024",
    title: "AT&T Mobility, USA, 22 February 2024: nationwide, for half a day, two humps",
    from: "2024-02-22T00:00:00-05:00",
    until: "2024-02-23T07:00:00-05:00",
    brands: &BRANDS,
    surges: &SURGES,
    counts: &[
        Count {
            provider: "att",
            at: "2024-02-22T04:00:00-05:00",
            reports: 32_000.0,
            record: "over 32,000 at about 04:00 ET",
        },
        Count {
            provider: "att",
            at: "2024-02-22T07:00:00-05:00",
            reports: 50_000.0,
            record: "over 50,000 at 07:00 ET",
        },
        Count {
            provider: "att",
            at: "2024-02-22T07:55:00-05:00",
            reports: 71_000.0,
            record: "about 71,000 just before 08:00 ET",
        },
        Count {
            provider: "att",
            at: "2024-02-22T09:00:00-05:00",
            reports: 72_000.0,
            record: "over 72,000 at 09:00 ET",
        },
        Count {
            provider: "att",
            at: "2024-02-22T12:00:00-05:00",
            reports: 58_000.0,
            record: "about 58,000 at noon ET",
        },
        Count {
            provider: "cricket",
            at: "2024-02-22T09:20:00-05:00",
            reports: 9_000.0,
            record: "over 9,000, at a time not on record",
        },
        Count {
            provider: "verizon",
            at: "2024-02-22T09:20:00-05:00",
            reports: 3_000.0,
            record: "about 3,000, at a time not on record",
        },
        Count {
            provider: "t-mobile-us",
            at: "2024-02-22T07:00:00-05:00",
            reports: 1_100.0,
            record: "about 1,100 at 07:00 ET",
        },
        Count {
            provider: "boost-us",
            at: "2024-02-22T09:20:00-05:00",
            reports: 700.0,
            record: "about 700, at a time not on record",
        },
    ],
    words: &[],
};

static BRANDS: [Brand; 6] = [
    brand("att", Trade::Mobile, 42.0, &USA),
    brand("cricket", Trade::Mobile, 6.0, &USA),
    brand("verizon", Trade::Mobile, 45.0, &USA),
    brand("t-mobile-us", Trade::Mobile, 38.0, &USA),
    brand("boost-us", Trade::Mobile, 4.0, &USA),
    brand("uscellular", Trade::Mobile, 4.0, &USA),
];

/// All was restored at 14:10 CT, the company says.
const BACK: Option<&str> = Some("2024-02-22T14:10:00-06:00");

static USA: [Area; 1] = [country("USA", "US")];
/// All states; five cities stand out. The shares are fitted.
static AFFECTED: [Area; 6] = [
    Area { name: "USA", within: Within::Country("US"), share: 0.7, back: BACK },
    metro("Houston", "TX", 0.07, BACK),
    metro("Chicago", "IL", 0.06, BACK),
    metro("Dallas", "TX", 0.07, BACK),
    metro("Los Angeles", "CA", 0.05, BACK),
    metro("Atlanta", "GA", 0.05, BACK),
];

static SURGES: [Surge; 5] = [
    outage("att", 1.0),
    outage("cricket", 0.123),
    // Less what is reported of them on quiet days.
    collateral("verizon", "att", &CURVE, 0.0405, &USA),
    collateral("t-mobile-us", "att", &CURVE, 0.0216, &USA),
    collateral("boost-us", "att", &CURVE, 0.0095, &USA),
];

static CURVE: [Point; 16] = [
    fitted("2024-02-22T03:45:00-05:00", 800.0),
    fitted("2024-02-22T03:49:00-05:00", 22_000.0),
    fitted("2024-02-22T03:54:00-05:00", 31_000.0),
    record("2024-02-22T04:00:00-05:00", 32_000.0),
    fitted("2024-02-22T04:20:00-05:00", 30_000.0),
    // A dip at about 05:00 is on record, its depth is not.
    fitted("2024-02-22T05:00:00-05:00", 18_000.0),
    fitted("2024-02-22T06:00:00-05:00", 30_000.0),
    record("2024-02-22T07:00:00-05:00", 50_000.0),
    record("2024-02-22T07:55:00-05:00", 71_000.0),
    record("2024-02-22T09:00:00-05:00", 72_000.0),
    // The peak of about 73,000 is on record, its time is not.
    fitted("2024-02-22T09:20:00-05:00", 73_000.0),
    record("2024-02-22T12:00:00-05:00", 58_000.0),
    fitted("2024-02-22T14:00:00-05:00", 20_000.0),
    fitted("2024-02-22T15:10:00-05:00", 5_000.0),
    fitted("2024-02-22T18:00:00-05:00", 700.0),
    fitted("2024-02-22T23:00:00-05:00", 20.0),
];

const fn outage(provider: &'static str, scale: f64) -> Surge {
    Surge {
        provider,
        cause: Cause::Outage,
        curve: &CURVE,
        scale,
        areas: &AFFECTED,
        flaps: &[],
        late_share: 0.1,
    }
}
