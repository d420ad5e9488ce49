//! R6: Meta, the world, 4 October 2021. No region stands out, since all are down.

use super::{Area, Brand, Cause, Scenario, Surge, Trade, Within, brand};
use crate::simulate::curve::{Point, fitted};

pub(super) static SCENARIO: Scenario = Scenario {
    name: "meta-2021",
    title: "Meta, the world, 4 October 2021: Facebook, WhatsApp, Instagram and Messenger gone for \
         six hours",
    from: "2021-10-04T00:00:00Z",
    until: "2021-10-05T12:00:00Z",
    brands: &BRANDS,
    surges: &SURGES,
    // On record is only the sum: over 10 million.
    counts: &[],
    words: &[],
};

static BRANDS: [Brand; 6] = [
    brand("facebook", Trade::App, 60.0, &WORLD),
    brand("whatsapp", Trade::App, 40.0, &WORLD),
    brand("instagram", Trade::App, 50.0, &WORLD),
    brand("messenger", Trade::App, 10.0, &WORLD),
    brand("snapchat", Trade::App, 15.0, &WORLD),
    brand("youtube", Trade::App, 30.0, &WORLD),
];

/// Without countries where these apps are blocked for most.
static WORLD: [Area; 1] = [Area {
    name: "everywhere",
    within: Within::WorldWithout(&["CN", "KP", "IR"]),
    share: 1.0,
    // General at about 22:50; routes were back at about 21:50, names at 22:05.
    back: Some("2021-10-04T22:50:00Z"),
}];

static SURGES: [Surge; 4] = [
    outage("facebook", 0.42),
    outage("whatsapp", 0.30),
    outage("instagram", 0.22),
    outage("messenger", 0.06),
];

/// Of all brands together. Trackers lit up from 15:44 on; the whole sums to over 10
/// million, as is on record.
static CURVE: [Point; 12] = [
    fitted("2021-10-04T15:39:00Z", 200.0),
    fitted("2021-10-04T15:44:00Z", 8_000.0),
    fitted("2021-10-04T15:52:00Z", 90_000.0),
    fitted("2021-10-04T16:10:00Z", 350_000.0),
    fitted("2021-10-04T16:45:00Z", 510_000.0),
    fitted("2021-10-04T18:00:00Z", 475_000.0),
    fitted("2021-10-04T20:00:00Z", 410_000.0),
    fitted("2021-10-04T21:50:00Z", 280_000.0),
    fitted("2021-10-04T22:05:00Z", 190_000.0),
    fitted("2021-10-04T22:50:00Z", 35_000.0),
    fitted("2021-10-05T00:30:00Z", 3_000.0),
    fitted("2021-10-05T04:00:00Z", 40.0),
];

const fn outage(provider: &'static str, scale: f64) -> Surge {
    // Who has lost an app has the network still.
    Surge {
        provider,
        cause: Cause::Outage,
        curve: &CURVE,
        scale,
        areas: &WORLD,
        flaps: &[],
        late_share: 0.02,
    }
}
