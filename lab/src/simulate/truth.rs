//! What really happened in a scenario, for whoever judges what was made of its reports.

use super::crowd::cities_in;
use super::curve::Basis;
use super::plan::Plan;
use super::report::rfc3339;
use super::scenario::{Area, Cause, Surge, Within, instant};
use groundswell::domain::time::Timestamp;
use groundswell::gazetteer::{City, cities};
use serde::Serialize;

/// Cities that are named of an area, the largest first.
const MOST_CITIES: usize = 12;

/// What really happened. Instants are RFC 3339.
#[derive(Debug, Serialize)]
pub struct Truth {
    scenario: &'static str,
    title: &'static str,
    synthetic: bool,
    seed: u64,
    crowd: f64,
    from: String,
    until: String,
    failed: Vec<Failed>,
    /// Healthy brands that are reported about because another fails, and must not be
    /// flagged.
    collateral: Vec<Collateral>,
    /// Brands of which nothing but quiet reports come, and which must not be flagged.
    quiet: Vec<&'static str>,
    counts: Vec<Count>,
    /// The first official words; none where no time of them is on record.
    first_word: Option<Word>,
    words: Vec<Word>,
}

#[derive(Debug, Serialize)]
struct Failed {
    provider: &'static str,
    /// Whose failure took it down.
    because_of: Option<&'static str>,
    from: String,
    /// When the last area was back.
    to: Option<String>,
    areas: Vec<Place>,
    flaps: Vec<[String; 2]>,
    points: Vec<Point>,
}

#[derive(Debug, Serialize)]
struct Place {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    admin1: Vec<&'static str>,
    share: f64,
    back: Option<String>,
    /// Its largest cities.
    cities: Vec<Named>,
}

#[derive(Debug, Serialize)]
struct Named {
    name: &'static str,
    country: &'static str,
    admin1: &'static str,
    lat: f64,
    lon: f64,
    population: u32,
}

#[derive(Debug, Serialize)]
struct Collateral {
    provider: &'static str,
    of: &'static str,
}

#[derive(Debug, Serialize)]
struct Count {
    provider: &'static str,
    at: String,
    reports: f64,
    record: &'static str,
}

#[derive(Debug, Serialize)]
struct Point {
    at: String,
    reports: f64,
    basis: &'static str,
}

#[derive(Debug, Serialize)]
struct Word {
    at: String,
    text: &'static str,
}

impl Plan {
    /// What really happens in it, of a stream within these instants.
    #[must_use]
    pub fn truth(&self, from: Timestamp, until: Timestamp) -> Truth {
        let scenario = self.scenario;
        let failed: Vec<Failed> =
            scenario.surges.iter().filter(|surge| surge.is_outage()).map(failed).collect();
        let of = |surge: &Surge| match surge.cause {
            Cause::Collateral(of) => Some(Collateral { provider: surge.provider, of }),
            Cause::Outage | Cause::Dependence(_) => None,
        };
        let has_surge = |id: &str| scenario.surges.iter().any(|surge| surge.provider == id);
        let words: fn(&super::scenario::Word) -> Word =
            |word| Word { at: utc(word.at), text: word.text };
        Truth {
            scenario: scenario.name,
            title: scenario.title,
            synthetic: true,
            seed: self.seed,
            crowd: self.crowd,
            from: rfc3339(from),
            until: rfc3339(until),
            failed,
            collateral: scenario.surges.iter().filter_map(of).collect(),
            quiet: scenario
                .brands
                .iter()
                .map(|brand| brand.id)
                .filter(|id| !has_surge(id))
                .collect(),
            counts: scenario.counts.iter().map(count).collect(),
            first_word: scenario.words.first().map(words),
            words: scenario.words.iter().map(words).collect(),
        }
    }
}

fn failed(surge: &Surge) -> Failed {
    let basis = |basis| match basis {
        Basis::Record => "record",
        Basis::Fitted => "fitted",
    };
    let point = |point: &super::curve::Point| Point {
        at: utc(point.at),
        reports: point.reports * surge.scale,
        basis: basis(point.basis),
    };
    Failed {
        provider: surge.provider,
        because_of: if let Cause::Dependence(of) = surge.cause { Some(of) } else { None },
        from: utc(surge.curve.first().expect("a test reads every scenario").at),
        to: surge.areas.iter().filter_map(|area| area.back.map(instant)).max().map(rfc3339),
        areas: surge.areas.iter().map(place).collect(),
        flaps: surge.flaps.iter().map(|(from, to)| [utc(from), utc(to)]).collect(),
        points: surge.curve.iter().map(point).collect(),
    }
}

fn place(area: &Area) -> Place {
    let (country, admin1) = match area.within {
        Within::Country(country) => (Some(country), Vec::new()),
        Within::Subdivisions(country, codes) => (Some(country), codes.to_vec()),
        Within::Metro { country, admin1, .. } => (Some(country), vec![admin1]),
        Within::WorldWithout(_) => (None, Vec::new()),
    };
    let mut largest = cities_in(&area.within);
    largest.sort_by_key(|city| std::cmp::Reverse(cities()[*city].population));
    largest.truncate(MOST_CITIES);
    let cities = largest.into_iter().map(|city| named(&cities()[city])).collect();
    Place { name: area.name, country, admin1, share: area.share, back: area.back.map(utc), cities }
}

fn named(city: &'static City) -> Named {
    let (lat, lon) = (city.position.lat(), city.position.lon());
    Named {
        name: city.name,
        country: city.country,
        admin1: city.admin1,
        lat,
        lon,
        population: city.population,
    }
}

fn count(count: &super::scenario::Count) -> Count {
    Count {
        provider: count.provider,
        at: utc(count.at),
        reports: count.reports,
        record: count.record,
    }
}

fn utc(text: &str) -> String {
    rfc3339(instant(text))
}
