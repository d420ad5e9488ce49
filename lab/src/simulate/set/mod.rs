//! A small set of streams with known outages, in the form that a backtest reads: one city,
//! quiet weeks, and a stream for each kind of event that detection must find or ignore.
//!
//! The city is real, the reports are not: each is drawn by chance, and the id of every
//! reporter begins with [`super::report::SYNTHETIC`]. The same seed gives the same set.

mod background;
mod events;
mod form;
mod placed;

use super::report::Report;
use background::Town;
use events::{EVENTS, RISE};
pub use form::{Index, RiseEntry, TruthEntry, line};
use groundswell::domain::time::{HOUR_MS, Timestamp};
use std::ops::Range;

/// The first instant of the history: midnight in New York, on a Monday.
const BEGINS: &str = "2026-04-06T04:00:00Z";
/// Length of the history and of each stream, in days.
const HISTORY_DAYS: i64 = 10;
const STREAM_DAYS: i64 = 2;
const DAY_MS: i64 = 24 * HOUR_MS;
/// What the names of all streams begin with.
const BLOCK: &str = "city";

/// A set.
#[derive(Debug)]
pub struct SmallSet {
    /// The reports before all streams, in the order in which they were received.
    pub history: Vec<Report>,
    /// The streams, in the order of the index.
    pub streams: Vec<Stream>,
    /// Where the background itself rises, in every stream.
    pub rises: Vec<RiseEntry>,
}

/// One stream.
#[derive(Debug)]
pub struct Stream {
    /// Its entry in the index.
    pub index: Index,
    /// Its reports, in the order in which they were received.
    pub reports: Vec<Report>,
    /// What really happens in it.
    pub truths: Vec<TruthEntry>,
}

impl SmallSet {
    /// The name of the file of the history.
    #[must_use]
    pub fn history_file() -> String {
        format!("{BLOCK}-warmup.ndjson.gz")
    }

    /// Plays the set of a seed.
    #[must_use]
    pub fn play(seed: u64) -> Self {
        let begins = super::scenario::instant(BEGINS);
        let start = begins.plus_ms(HISTORY_DAYS * DAY_MS);
        let stream = start..start.plus_ms(STREAM_DAYS * DAY_MS);
        let town = Town::new();
        let history = town.quiet(&(begins..start), &[], &mut super::draw::chance(seed, 0));
        let streams = (1..)
            .zip(EVENTS)
            .map(|(n, event)| {
                let mut rng = super::draw::chance(seed, n);
                let played = placed::play(event, &town, &stream, &mut rng);
                let scenario = name(event, n);
                Stream {
                    index: Index::new(&scenario, event.family, &stream, &played, seed),
                    truths: vec![TruthEntry::new(&scenario, event, &stream, &played)],
                    reports: in_order(played.reports, &stream),
                }
            })
            .collect();
        Self {
            history: in_order(history, &(begins..start)),
            streams,
            rises: vec![RiseEntry::new(BLOCK, &RISE, start)],
        }
    }
}

/// The name of the stream of the nth event: its family, and which of the family it is.
fn name(event: &events::Event, n: u64) -> String {
    let before = EVENTS.iter().take(n as usize - 1).filter(|other| other.family == event.family);
    format!("{BLOCK}-{}-{:02}", event.family, before.count())
}

/// The reports received within an interval, in that order.
fn in_order(mut reports: Vec<Report>, received: &Range<Timestamp>) -> Vec<Report> {
    reports.retain(|report| received.contains(&report.received_at));
    reports.sort_by_key(|report| (report.received_at, report.reporter));
    reports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_set_and_another_one_another() {
        let (one, same, other) = (SmallSet::play(1), SmallSet::play(1), SmallSet::play(2));
        assert_eq!(one.history, same.history);
        assert_ne!(one.history, other.history);
        for (a, b) in one.streams.iter().zip(&same.streams) {
            assert_eq!(a.reports, b.reports, "{}", a.index.scenario);
        }
    }

    #[test]
    fn every_outage_has_as_many_reports_as_its_event_says() {
        for (stream, event) in SmallSet::play(1).streams.iter().zip(EVENTS) {
            let [truth] = &stream.truths[..] else { panic!("one truth a stream") };
            let given: u64 = truth.reports_by_cell.values().sum();
            assert_eq!(given, event.reports, "{}", truth.scenario);
            assert_eq!(truth.injected_received_s.len() as u64, given, "{}", truth.scenario);
            assert!(stream.reports.is_sorted_by_key(|report| report.received_at));
        }
    }
}
