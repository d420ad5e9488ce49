//! R1: Rogers, Canada, 8 July 2022. Wireless and wireline shared one core, and failed
//! together by night, for most of a day.

use super::{
    Area, Brand, Cause, Count, Scenario, Surge, Trade, Within, Word, brand, collateral, country,
};
use crate::simulate::curve::{Point, fitted, record};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "rogers-2022",
    title: "Rogers, Canada, 8 July 2022: mobile, cable and payments down for most of a day, with \
         short returns",
    from: "2022-07-08T00:00:00-04:00",
    until: "2022-07-10T00:00:00-04:00",
    brands: &BRANDS,
    surges: &SURGES,
    counts: &[
        Count {
            provider: "rogers",
            at: "2022-07-08T07:00:00-04:00",
            reports: 20_000.0,
            record: "over 20,000 in the early morning",
        },
        Count {
            provider: "rogers",
            at: "2022-07-08T08:00:00-04:00",
            reports: 16_000.0,
            record: "about 16,000 by 08:00 ET",
        },
    ],
    words: &[
        Word {
            at: "2022-07-08T09:00:00-04:00",
            text: "The company's first message, between 09:00 and 09:20: it knows, and is working \
                 on it",
        },
        Word {
            at: "2022-07-08T10:55:00-04:00",
            text: "The company's statement: wireless and wireline are affected",
        },
    ],
};

static BRANDS: [Brand; 11] = [
    brand("rogers", Trade::Mobile, 20.0, &ROGERS_LAND),
    brand("fido", Trade::Mobile, 7.0, &ROGERS_LAND),
    brand("chatr", Trade::Mobile, 1.5, &ROGERS_LAND),
    brand("rogers-internet", Trade::Internet, 12.0, &CABLE_LAND),
    brand("teksavvy", Trade::Internet, 2.0, &CABLE_LAND),
    brand("interac", Trade::Payments, 2.0, &CANADA),
    brand("bell", Trade::Mobile, 18.0, &CANADA),
    brand("telus", Trade::Mobile, 14.0, &CANADA),
    brand("videotron", Trade::Mobile, 6.0, &QUEBEC),
    brand("freedom", Trade::Mobile, 5.0, &CANADA),
    brand("koodo", Trade::Mobile, 4.0, &CANADA),
];

const BACK: Option<&str> = Some("2022-07-09T00:05:00Z");

/// Most from southern Ontario, some from British Columbia, Quebec and the Atlantic
/// provinces; the shares are fitted.
static ROGERS_LAND: [Area; 5] = [
    part("Ontario", &["08"], 0.62),
    part("Quebec", &["10"], 0.13),
    part("British Columbia", &["02"], 0.10),
    part("Alberta and the prairies", &["01", "03", "11"], 0.08),
    part("Atlantic provinces", &["04", "05", "07", "09"], 0.07),
];
static CABLE_LAND: [Area; 2] =
    [part("Ontario", &["08"], 0.88), part("Atlantic provinces", &["04", "05"], 0.12)];
static CANADA: [Area; 1] = [country("Canada", "CA")];
static QUEBEC: [Area; 1] = [part("Quebec", &["10"], 1.0)];

static SURGES: [Surge; 8] = [
    outage("rogers", Cause::Outage, &CURVE, 1.0, &ROGERS_LAND),
    outage("fido", Cause::Outage, &CURVE, 0.25, &ROGERS_LAND),
    outage("chatr", Cause::Outage, &CURVE, 0.04, &ROGERS_LAND),
    outage("rogers-internet", Cause::Outage, &CURVE, 0.3, &CABLE_LAND),
    outage("teksavvy", Cause::Dependence("rogers"), &CURVE, 0.05, &CABLE_LAND),
    outage("interac", Cause::Dependence("rogers"), &PAYMENTS, 1.0, &CANADA),
    collateral("bell", "rogers", &CURVE, 0.035, &ROGERS_LAND),
    collateral("telus", "rogers", &CURVE, 0.025, &ROGERS_LAND),
];

/// Traffic was near zero from 04:44-04:45. Few were awake; the rise follows the waking.
static CURVE: [Point; 17] = [
    fitted("2022-07-08T04:44:00-04:00", 60.0),
    fitted("2022-07-08T04:50:00-04:00", 400.0),
    fitted("2022-07-08T05:00:00-04:00", 1_200.0),
    fitted("2022-07-08T05:30:00-04:00", 4_500.0),
    fitted("2022-07-08T06:15:00-04:00", 13_000.0),
    record("2022-07-08T07:00:00-04:00", 20_000.0),
    record("2022-07-08T08:00:00-04:00", 16_000.0),
    fitted("2022-07-08T10:00:00-04:00", 11_500.0),
    fitted("2022-07-08T13:00:00-04:00", 8_000.0),
    fitted("2022-07-08T17:00:00-04:00", 6_500.0),
    fitted("2022-07-08T19:00:00-04:00", 6_000.0),
    fitted("2022-07-08T20:05:00-04:00", 4_500.0),
    fitted("2022-07-08T22:00:00-04:00", 2_600.0),
    fitted("2022-07-09T00:00:00-04:00", 1_100.0),
    fitted("2022-07-09T04:30:00-04:00", 220.0),
    fitted("2022-07-09T08:00:00-04:00", 120.0),
    fitted("2022-07-09T12:00:00-04:00", 10.0),
];

/// Debit cards fail once shops open.
static PAYMENTS: [Point; 8] = [
    fitted("2022-07-08T05:00:00-04:00", 5.0),
    fitted("2022-07-08T07:00:00-04:00", 300.0),
    fitted("2022-07-08T09:30:00-04:00", 2_200.0),
    fitted("2022-07-08T13:00:00-04:00", 2_600.0),
    fitted("2022-07-08T18:00:00-04:00", 1_800.0),
    fitted("2022-07-08T22:00:00-04:00", 500.0),
    fitted("2022-07-09T06:00:00-04:00", 60.0),
    fitted("2022-07-09T10:00:00-04:00", 5.0),
];

/// Routes were announced and withdrawn all day, never for an hour; all was down again at
/// about 23:00 UTC. The times before are fitted.
static FLAPS: [(&str, &str); 4] = [
    ("2022-07-08T14:10:00Z", "2022-07-08T14:40:00Z"),
    ("2022-07-08T17:20:00Z", "2022-07-08T18:05:00Z"),
    ("2022-07-08T20:30:00Z", "2022-07-08T21:00:00Z"),
    ("2022-07-08T22:15:00Z", "2022-07-08T23:00:00Z"),
];

const fn part(name: &'static str, codes: &'static [&'static str], share: f64) -> Area {
    Area { name, within: Within::Subdivisions("CA", codes), share, back: BACK }
}

const fn outage(
    provider: &'static str,
    cause: Cause,
    curve: &'static [Point],
    scale: f64,
    areas: &'static [Area],
) -> Surge {
    Surge { provider, cause, curve, scale, areas, flaps: &FLAPS, late_share: 0.25 }
}
