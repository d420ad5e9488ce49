//! R4: Verizon, USA, 30 September 2024. Several metropolitan regions at once, far from
//! each other, and the country between them well.

use super::{Area, Brand, Cause, Count, Scenario, Surge, Trade, brand, collateral, country, metro};
use crate::simulate::curve::{Point, fitted, record};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "verizon-2024",
    title: "Verizon, USA, 30 September 2024: nine metropolitan regions, phones in SOS mode",
    from: "2024-09-30T00:00:00-04:00",
    until: "2024-10-01T08:00:00-04:00",
    brands: &BRANDS,
    surges: &SURGES,
    counts: &[
        Count {
            provider: "verizon",
            at: "2024-09-30T11:19:00-04:00",
            reports: 105_000.0,
            record: "about 105,000 at 11:19 ET",
        },
        Count {
            provider: "verizon",
            at: "2024-09-30T12:28:00-04:00",
            reports: 66_761.0,
            record: "66,761 at 12:28 ET",
        },
        Count {
            provider: "verizon",
            at: "2024-09-30T14:00:00-05:00",
            reports: 48_115.0,
            record: "about 48,115 at 14:00 CT",
        },
        Count {
            provider: "verizon",
            at: "2024-09-30T17:02:00-04:00",
            reports: 28_842.0,
            record: "28,842 at 17:02 ET",
        },
        Count {
            provider: "att",
            at: "2024-09-30T12:25:00-04:00",
            reports: 1_111.0,
            record: "1,111 at 12:25 ET",
        },
        Count {
            provider: "att",
            at: "2024-09-30T17:15:00-04:00",
            reports: 448.0,
            record: "448 at 17:15 ET",
        },
    ],
    words: &[],
};

static BRANDS: [Brand; 4] = [
    brand("verizon", Trade::Mobile, 45.0, &USA),
    brand("att", Trade::Mobile, 42.0, &USA),
    brand("t-mobile-us", Trade::Mobile, 38.0, &USA),
    brand("uscellular", Trade::Mobile, 4.0, &USA),
];

static USA: [Area; 1] = [country("USA", "US")];
/// No time of its end is on record.
const BACK: Option<&str> = Some("2024-09-30T19:00:00-04:00");

static CHICAGO: [Area; 1] = [metro("Chicago", "IL", 1.0, BACK)];
/// Shares by how many live there.
static OTHERS: [Area; 8] = [
    metro("Phoenix", "AZ", 0.22, BACK),
    metro("Seattle", "WA", 0.18, BACK),
    metro("Minneapolis", "MN", 0.17, BACK),
    metro("Denver", "CO", 0.14, BACK),
    metro("Cincinnati", "OH", 0.09, BACK),
    metro("Indianapolis", "IN", 0.08, BACK),
    metro("Columbus", "OH", 0.08, BACK),
    metro("Omaha", "NE", 0.04, BACK),
];
static ALL_NINE: [Area; 9] = [
    metro("Chicago", "IL", 0.28, BACK),
    metro("Phoenix", "AZ", 0.16, BACK),
    metro("Seattle", "WA", 0.13, BACK),
    metro("Minneapolis", "MN", 0.12, BACK),
    metro("Denver", "CO", 0.10, BACK),
    metro("Cincinnati", "OH", 0.06, BACK),
    metro("Indianapolis", "IN", 0.06, BACK),
    metro("Columbus", "OH", 0.06, BACK),
    metro("Omaha", "NE", 0.03, BACK),
];

static SURGES: [Surge; 4] = [
    Surge { areas: &CHICAGO, curve: &IN_CHICAGO, ..OUTAGE },
    Surge { areas: &OTHERS, curve: &ELSEWHERE, ..OUTAGE },
    collateral("att", "verizon", &BESIDE, 1.0, &ALL_NINE),
    collateral("t-mobile-us", "verizon", &BESIDE, 0.8, &ALL_NINE),
];

const OUTAGE: Surge = Surge {
    provider: "verizon",
    cause: Cause::Outage,
    curve: &ELSEWHERE,
    scale: 1.0,
    areas: &OTHERS,
    flaps: &[],
    late_share: 0.1,
};

/// On record are over 4,000 at about 10:30 CT and about 1,200 at 14:30 CT, of those whose
/// city was known: about one in seven and a half, if Chicago has the share of the nine
/// that its people have.
static IN_CHICAGO: [Point; 10] = [
    fitted("2024-09-30T09:30:00-04:00", 10.0),
    fitted("2024-09-30T10:00:00-04:00", 5_600.0),
    fitted("2024-09-30T10:30:00-04:00", 17_000.0),
    record("2024-09-30T10:30:00-05:00", 30_000.0),
    fitted("2024-09-30T12:28:00-04:00", 20_000.0),
    fitted("2024-09-30T15:00:00-04:00", 10_400.0),
    record("2024-09-30T14:30:00-05:00", 9_000.0),
    fitted("2024-09-30T17:02:00-04:00", 4_500.0),
    fitted("2024-09-30T19:00:00-04:00", 1_200.0),
    fitted("2024-09-30T22:00:00-04:00", 10.0),
];

/// What is on record of the whole, less Chicago.
static ELSEWHERE: [Point; 10] = [
    fitted("2024-09-30T09:30:00-04:00", 30.0),
    fitted("2024-09-30T10:00:00-04:00", 15_000.0),
    fitted("2024-09-30T10:30:00-04:00", 45_000.0),
    record("2024-09-30T11:19:00-04:00", 77_970.0),
    fitted("2024-09-30T11:30:00-04:00", 70_000.0),
    record("2024-09-30T12:28:00-04:00", 46_761.0),
    record("2024-09-30T14:00:00-05:00", 37_715.0),
    record("2024-09-30T17:02:00-04:00", 24_342.0),
    fitted("2024-09-30T19:00:00-04:00", 6_000.0),
    fitted("2024-09-30T23:00:00-04:00", 20.0),
];

/// AT&T's counts, less what is reported of it on quiet days at that hour.
static BESIDE: [Point; 6] = [
    fitted("2024-09-30T09:45:00-04:00", 3.0),
    fitted("2024-09-30T11:19:00-04:00", 1_200.0),
    record("2024-09-30T12:25:00-04:00", 1_056.0),
    record("2024-09-30T17:15:00-04:00", 385.0),
    fitted("2024-09-30T19:00:00-04:00", 90.0),
    fitted("2024-09-30T22:00:00-04:00", 3.0),
];
