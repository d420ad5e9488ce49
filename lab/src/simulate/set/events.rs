//! The table of what happens in the streams of the small set: kind, place, time and size of
//! each event. All numbers are chosen by hand, after the families of larger sets.

/// Something that happens in a stream, or nothing.
#[derive(Debug)]
pub struct Event {
    /// Its kind; streams of one kind are summed up together.
    pub family: &'static str,
    /// Whose reports it brings; [`EVERYBODY`] where all providers get them.
    pub provider: &'static str,
    /// What a detector should do about it.
    pub expect: Expect,
    /// Its middle, in degrees of latitude and longitude.
    pub centre: (f64, f64),
    /// How far it reaches; 0 where all reports come from one spot.
    pub radius_km: f64,
    /// When it begins, in hours after the start of the stream.
    pub after_h: f64,
    /// How long it lasts, in hours.
    pub lasts_h: f64,
    /// How many reports it brings, not counting those that are sent again.
    pub reports: u64,
    /// How they are spread over its time.
    pub shape: Shape,
    /// Share of them that arrives 10 to 120 minutes late.
    pub late: f64,
    /// How many devices send them; 0 where each report has its own.
    pub devices: u64,
}

/// The provider of what happens to all of them.
pub const EVERYBODY: &str = "*";
/// A provider without a history.
pub const NEW: &str = "new-x";

/// What a detector should do about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// Find it.
    Detect,
    /// Raise nothing near its cells.
    Silent,
    /// Raise nothing, or something over a wide area.
    CoarseOk,
}

/// How reports are spread over the time of an event.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Most at once, then fewer and fewer.
    Sharp,
    /// More and more up to the middle, then fewer.
    Ramp,
    /// As many at any time.
    Flat,
}

const MANHATTAN: (f64, f64) = (40.754, -73.984);
const BROOKLYN: (f64, f64) = (40.650, -73.950);
const NEWARK: (f64, f64) = (40.736, -74.172);
const YONKERS: (f64, f64) = (40.930, -73.898);
const QUEENS: (f64, f64) = (40.700, -73.830);
const PATERSON: (f64, f64) = (40.917, -74.172);
const EDISON: (f64, f64) = (40.519, -74.412);
/// Woods and lakes: next to nobody reports from there.
const COUNTRYSIDE: (f64, f64) = (41.180, -74.320);

const BASE: Event = Event {
    family: "null",
    provider: EVERYBODY,
    expect: Expect::Silent,
    centre: MANHATTAN,
    radius_km: 0.0,
    after_h: 0.0,
    lasts_h: 48.0,
    reports: 0,
    shape: Shape::Flat,
    late: 0.0,
    devices: 0,
};

/// An outage that must be found.
const OUTAGE: Event = Event { expect: Expect::Detect, ..BASE };

/// What happens in each stream, one event a stream.
pub const EVENTS: [&Event; 13] = [
    &Event {
        family: "regional",
        provider: "alpha",
        centre: BROOKLYN,
        radius_km: 7.0,
        after_h: 42.6,
        lasts_h: 1.6,
        reports: 60,
        shape: Shape::Sharp,
        ..OUTAGE
    },
    &Event {
        family: "regional",
        provider: "bravo",
        centre: NEWARK,
        radius_km: 9.0,
        after_h: 34.3,
        lasts_h: 2.0,
        reports: 36,
        shape: Shape::Sharp,
        ..OUTAGE
    },
    &Event {
        family: "local",
        provider: "bravo",
        centre: YONKERS,
        radius_km: 1.3,
        after_h: 37.1,
        lasts_h: 2.5,
        reports: 24,
        shape: Shape::Ramp,
        ..OUTAGE
    },
    &Event {
        family: "local",
        provider: "alpha",
        centre: PATERSON,
        radius_km: 1.5,
        after_h: 33.9,
        lasts_h: 2.0,
        reports: 18,
        shape: Shape::Ramp,
        ..OUTAGE
    },
    &Event {
        family: "metro_late",
        provider: "alpha",
        centre: MANHATTAN,
        radius_km: 18.0,
        after_h: 35.4,
        lasts_h: 1.5,
        reports: 130,
        shape: Shape::Sharp,
        late: 0.85,
        ..OUTAGE
    },
    &Event {
        family: "rural",
        provider: "charlie",
        centre: COUNTRYSIDE,
        radius_km: 3.0,
        after_h: 39.2,
        lasts_h: 1.5,
        reports: 10,
        shape: Shape::Flat,
        ..OUTAGE
    },
    &Event {
        family: "slow_burn",
        provider: "alpha",
        centre: QUEENS,
        radius_km: 7.0,
        after_h: 32.0,
        lasts_h: 7.0,
        reports: 70,
        shape: Shape::Flat,
        ..OUTAGE
    },
    &Event {
        family: "rush",
        provider: "alpha",
        centre: MANHATTAN,
        radius_km: 6.0,
        after_h: 41.4,
        lasts_h: 1.2,
        reports: 50,
        shape: Shape::Sharp,
        ..OUTAGE
    },
    &Event {
        family: "cold_start",
        provider: NEW,
        centre: BROOKLYN,
        radius_km: 6.0,
        after_h: 40.8,
        lasts_h: 1.5,
        reports: 60,
        shape: Shape::Sharp,
        ..OUTAGE
    },
    &Event {
        family: "spam_one",
        provider: "alpha",
        centre: QUEENS,
        after_h: 39.0,
        lasts_h: 2.0,
        reports: 200,
        devices: 1,
        ..BASE
    },
    &Event {
        family: "spam_few",
        provider: "bravo",
        centre: EDISON,
        after_h: 36.0,
        lasts_h: 2.0,
        reports: 240,
        devices: 6,
        ..BASE
    },
    &Event {
        family: "global_rise",
        expect: Expect::CoarseOk,
        radius_km: 60.0,
        after_h: 38.0,
        lasts_h: 2.5,
        reports: 330,
        ..BASE
    },
    &BASE,
];

/// A rise of the background itself, in every stream: people in one place, of every
/// provider.
#[derive(Debug)]
pub struct Rise {
    /// Its middle, in degrees of latitude and longitude.
    pub centre: (f64, f64),
    /// How far it reaches.
    pub radius_km: f64,
    /// When it begins, in hours after the start of the stream.
    pub after_h: f64,
    /// How long it lasts, in hours.
    pub lasts_h: f64,
    /// How many reports it brings.
    pub reports: u64,
}

/// An evening at a stadium in the Meadowlands, on the first day.
pub const RISE: Rise =
    Rise { centre: (40.8128, -74.0742), radius_km: 0.6, after_h: 18.5, lasts_h: 1.5, reports: 36 };
