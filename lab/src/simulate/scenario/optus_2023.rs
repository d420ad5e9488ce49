//! R3: Optus, Australia, 8 November 2023. A continent lost its network before dawn, and
//! got it back in patches: sites needed visits.

use super::{
    Area, Brand, Cause, Count, Scenario, Surge, Trade, Within, Word, brand, collateral, country,
};
use crate::simulate::curve::{Point, fitted, record};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "optus-2023",
    title: "Optus, Australia, 8 November 2023: nationwide before dawn, back in patches over half \
         a day",
    from: "2023-11-08T00:00:00+11:00",
    until: "2023-11-09T11:00:00+11:00",
    brands: &BRANDS,
    surges: &SURGES,
    counts: &[Count {
        provider: "optus",
        at: "2023-11-08T05:55:00+11:00",
        reports: 9_000.0,
        record: "about 9,000 just before 06:00 AEDT",
    }],
    words: &[
        Word { at: "2023-11-08T06:33:00+11:00", text: "The company's first public statement" },
        Word {
            at: "2023-11-08T06:47:00+11:00",
            text: "The company's first message on social media",
        },
    ],
};

static BRANDS: [Brand; 5] = [
    brand("optus", Trade::Mobile, 12.0, &AUSTRALIA),
    brand("amaysim", Trade::Mobile, 2.0, &AUSTRALIA),
    brand("optus-internet", Trade::Internet, 5.0, &AUSTRALIA),
    brand("telstra", Trade::Mobile, 16.0, &AUSTRALIA),
    brand("vodafone-au", Trade::Mobile, 8.0, &AUSTRALIA),
];

static AUSTRALIA: [Area; 1] = [country("Australia", "AU")];

/// First back at 10:38, wider at about 13:00, all at 17:35; which area came back when is
/// fitted, and so are the shares.
static AFFECTED: [Area; 8] = [
    part("Australian Capital Territory", &["01"], 0.02, "2023-11-08T10:38:00+11:00"),
    part("Victoria", &["07"], 0.27, "2023-11-08T12:20:00+11:00"),
    part("New South Wales", &["02"], 0.33, "2023-11-08T13:00:00+11:00"),
    part("South Australia", &["05"], 0.07, "2023-11-08T14:10:00+11:00"),
    part("Queensland", &["04"], 0.19, "2023-11-08T15:00:00+11:00"),
    part("Western Australia", &["08"], 0.09, "2023-11-08T16:10:00+11:00"),
    part("Tasmania", &["06"], 0.02, "2023-11-08T17:00:00+11:00"),
    part("Northern Territory", &["03"], 0.01, "2023-11-08T17:35:00+11:00"),
];

static SURGES: [Surge; 5] = [
    outage("optus", 1.0),
    outage("amaysim", 0.08),
    outage("optus-internet", 0.3),
    collateral("telstra", "optus", &CURVE, 0.04, &AUSTRALIA),
    collateral("vodafone-au", "optus", &CURVE, 0.025, &AUSTRALIA),
];

/// Without the fading of the areas that are back earlier than the last.
static CURVE: [Point; 12] = [
    fitted("2023-11-08T04:05:00+11:00", 30.0),
    fitted("2023-11-08T04:15:00+11:00", 300.0),
    fitted("2023-11-08T04:38:00+11:00", 1_200.0),
    fitted("2023-11-08T05:15:00+11:00", 4_500.0),
    record("2023-11-08T05:55:00+11:00", 9_000.0),
    fitted("2023-11-08T07:30:00+11:00", 9_300.0),
    fitted("2023-11-08T10:38:00+11:00", 6_500.0),
    fitted("2023-11-08T13:00:00+11:00", 5_500.0),
    fitted("2023-11-08T16:00:00+11:00", 4_500.0),
    fitted("2023-11-08T17:35:00+11:00", 3_500.0),
    fitted("2023-11-08T20:00:00+11:00", 300.0),
    fitted("2023-11-09T01:00:00+11:00", 10.0),
];

const fn part(
    name: &'static str,
    codes: &'static [&'static str],
    share: f64,
    back: &'static str,
) -> Area {
    Area { name, within: Within::Subdivisions("AU", codes), share, back: Some(back) }
}

const fn outage(provider: &'static str, scale: f64) -> Surge {
    Surge {
        provider,
        cause: Cause::Outage,
        curve: &CURVE,
        scale,
        areas: &AFFECTED,
        flaps: &[],
        late_share: 0.25,
    }
}
