//! An event played: its reports on top of the town's quiet ones.

use super::super::draw::chance;
use super::super::report::Report;
use super::background::{Town, in_disc, noticed_before_ms, send};
use super::events::{EVERYBODY, Event, NEW, RISE, Shape};
use fastrand::Rng;
use groundswell::domain::grid::Position;
use groundswell::domain::symptom::Symptom;
use groundswell::domain::time::{HOUR_MS, MINUTE_MS, Timestamp};
use std::ops::Range;

/// How late the late reports of an outage come.
const LATE_MS: Range<i64> = 10 * MINUTE_MS..120 * MINUTE_MS;
/// Share of an outage's reports that come from anywhere in it, not from where people live.
const EVENLY: f64 = 0.2;
const ACCURACY_M: f64 = 25.0;

/// What an event brought.
#[derive(Debug)]
pub struct Played {
    /// All reports of the stream, in no order.
    pub reports: Vec<Report>,
    /// Those of the event, without those that were sent again.
    pub injected: Vec<Report>,
    /// Who is reported about.
    pub providers: Vec<&'static str>,
    /// When the event takes place.
    pub lasts: Range<Timestamp>,
}

/// Plays an event in a stream.
pub fn play(event: &Event, town: &Town, stream: &Range<Timestamp>, rng: &mut Rng) -> Played {
    let newcomers: &[&'static str] = if event.provider == NEW { &[NEW] } else { &[] };
    let mut reports = town.quiet(stream, newcomers, &mut chance(rng.u64(..), 0));
    let rise = lasting(stream.start, RISE.after_h, RISE.lasts_h);
    for _ in 0..RISE.reports {
        let at = within(&rise, Shape::Flat, rng);
        let position = in_disc(position(RISE.centre), RISE.radius_km, rng);
        reports.push(report(Town::provider(rng), (at, noticed_before_ms(rng)), position, rng));
    }
    let lasts = lasting(stream.start, event.after_h, event.lasts_h);
    let devices: Vec<u64> = (0..event.devices).map(|_| rng.u64(..)).collect();
    let mut injected = Vec::new();
    for n in 0..event.reports {
        let noticed = within(&lasts, event.shape, rng);
        let delay_ms =
            if rng.f64() < event.late { rng.i64(LATE_MS) } else { noticed_before_ms(rng) };
        let provider =
            if event.provider == EVERYBODY { Town::provider(rng) } else { event.provider };
        let mut report =
            report(provider, (noticed, delay_ms), stands(event, town, noticed, rng), rng);
        if devices.is_empty() {
            send(report, rng, &mut reports);
        } else {
            report.reporter = devices[n as usize % devices.len()];
            reports.push(report);
        }
        injected.push(report);
    }
    let known = super::background::PROVIDERS.map(|(id, _)| id);
    let providers = known.into_iter().chain(newcomers.iter().copied()).collect();
    Played { reports, injected, providers, lasts }
}

/// The time of something that begins so many hours after an instant.
pub fn lasting(start: Timestamp, after_h: f64, lasts_h: f64) -> Range<Timestamp> {
    let at = |hours: f64| start.plus_ms((hours * HOUR_MS as f64) as i64);
    at(after_h)..at(after_h + lasts_h)
}

/// The position of a point of the table of events.
pub fn position((lat, lon): (f64, f64)) -> Position {
    Position::new(lat, lon).expect("the table of events lies in one town")
}

/// When somebody notices.
fn within(lasts: &Range<Timestamp>, shape: Shape, rng: &mut Rng) -> Timestamp {
    let part = match shape {
        Shape::Sharp => rng.f64().powf(1.8),
        Shape::Ramp => f64::midpoint(rng.f64(), rng.f64()),
        Shape::Flat => rng.f64(),
    };
    lasts.start.plus_ms((part * lasts.end.ms_since(lasts.start) as f64) as i64)
}

/// Where somebody is who reports an event.
fn stands(event: &Event, town: &Town, at: Timestamp, rng: &mut Rng) -> Position {
    let centre = position(event.centre);
    if rng.f64() < EVENLY || event.devices > 0 {
        in_disc(centre, event.radius_km, rng)
    } else {
        town.within(at, (centre, event.radius_km), rng)
    }
}

fn report(
    provider: &'static str,
    (noticed, delay_ms): (Timestamp, i64),
    position: Position,
    rng: &mut Rng,
) -> Report {
    Report {
        received_at: noticed.plus_ms(delay_ms),
        observed_at: noticed,
        provider,
        symptom: Symptom::NoService,
        position,
        accuracy_m: Some(ACCURACY_M),
        reporter: rng.u64(..),
    }
}
