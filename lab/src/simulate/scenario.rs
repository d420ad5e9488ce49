//! What a scenario says: who failed, where, how many reported it, and who must not be
//! blamed. The outages on record are its parts.

mod att_2024;
mod meta_2021;
mod optus_2023;
mod rogers_2022;
mod tmobile_2020;
mod verizon_2024;
mod verizon_2026;
mod vodafone_uk_2020;

use super::curve::Point;
pub use super::instant::instant;
use groundswell::domain::time::Timestamp;

/// All scenarios, the first for demonstrations first.
pub const ALL: [&Scenario; 8] = [
    &rogers_2022::SCENARIO,
    &att_2024::SCENARIO,
    &optus_2023::SCENARIO,
    &verizon_2024::SCENARIO,
    &verizon_2026::SCENARIO,
    &meta_2021::SCENARIO,
    &tmobile_2020::SCENARIO,
    &vodafone_uk_2020::SCENARIO,
];

/// An outage on record. Counts are those of the largest public aggregator, in 15 minutes.
/// Times are RFC 3339, in the time of the place.
#[derive(Debug)]
pub struct Scenario {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What happened, in one line.
    pub title: &'static str,
    /// The first instant of the stream; the history ends here.
    pub from: &'static str,
    /// The instant after its last.
    pub until: &'static str,
    /// Who is reported about, on quiet days too.
    pub brands: &'static [Brand],
    /// What the outage adds.
    pub surges: &'static [Surge],
    /// Counts on record, which the curves pass through.
    pub counts: &'static [Count],
    /// What was said officially, first words first; empty where no time of it is on
    /// record.
    pub words: &'static [Word],
}

/// Somebody who is reported about.
#[derive(Debug)]
pub struct Brand {
    /// Its id in the catalogue.
    pub id: &'static str,
    /// What it sells, which decides what people say of it.
    pub trade: Trade,
    /// Mean of the reports in 15 minutes on quiet days. AT&T's 42 is on record, the
    /// others are fitted by size.
    pub quiet: f64,
    /// Where its customers are.
    pub areas: &'static [Area],
}

/// What a brand sells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trade {
    /// Mobile calls and data.
    Mobile,
    /// Internet at home.
    Internet,
    /// Payments.
    Payments,
    /// An app or a site.
    App,
}

/// Reports about one brand that an outage brings.
#[derive(Debug)]
pub struct Surge {
    /// About whom.
    pub provider: &'static str,
    /// Why.
    pub cause: Cause,
    /// How many, before the scale.
    pub curve: &'static [Point],
    /// What the curve is multiplied with: brands that failed together share a shape.
    pub scale: f64,
    /// Where.
    pub areas: &'static [Area],
    /// Short returns of service.
    pub flaps: &'static [(&'static str, &'static str)],
    /// Of those who report in time, how many more could not until they found another
    /// network, or the service was back. Fitted.
    pub late_share: f64,
}

/// Why a brand is reported about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It fails.
    Outage,
    /// It fails because another does.
    Dependence(&'static str),
    /// It is healthy; people cannot reach customers of another, or guess wrong.
    Collateral(&'static str),
}

/// A part of the world with a share of the reports.
#[derive(Debug)]
pub struct Area {
    /// As people call it.
    pub name: &'static str,
    /// Which cities.
    pub within: Within,
    /// How many of the reports come from there, relative to the other areas. Fitted,
    /// where none is on record.
    pub share: f64,
    /// When the service came back there for good.
    pub back: Option<&'static str>,
}

/// Which cities lie in an area.
#[derive(Debug)]
pub enum Within {
    /// Those of a country.
    Country(&'static str),
    /// Those of some of its subdivisions, by their codes at `GeoNames`.
    Subdivisions(&'static str, &'static [&'static str]),
    /// A city of a country's subdivision, and those around it.
    Metro {
        /// ISO 3166-1 alpha-2.
        country: &'static str,
        /// The subdivision's code.
        admin1: &'static str,
        /// The city's name.
        city: &'static str,
        /// How far around.
        km: f64,
    },
    /// Those of all countries but some.
    WorldWithout(&'static [&'static str]),
}

/// A count on record.
#[derive(Debug)]
pub struct Count {
    /// Of whom.
    pub provider: &'static str,
    /// The middle of the 15 minutes.
    pub at: &'static str,
    /// How many.
    pub reports: f64,
    /// What the record says.
    pub record: &'static str,
}

/// What was said officially.
#[derive(Debug)]
pub struct Word {
    /// When.
    pub at: &'static str,
    /// What, in our words.
    pub text: &'static str,
}

impl Scenario {
    /// The scenario of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|scenario| scenario.name == name)
    }

    /// The first instant of the stream.
    #[must_use]
    pub fn from(&self) -> Timestamp {
        instant(self.from)
    }

    /// The instant after its last.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        instant(self.until)
    }
}

impl Surge {
    /// Whether the brand fails, whosever fault that is.
    #[must_use]
    pub const fn is_outage(&self) -> bool {
        !matches!(self.cause, Cause::Collateral(_))
    }
}

/// A whole country, whose service did not come back at a known time.
const fn country(name: &'static str, code: &'static str) -> Area {
    Area { name, within: Within::Country(code), share: 1.0, back: None }
}

/// Short for the tables of brands.
const fn brand(id: &'static str, trade: Trade, quiet: f64, areas: &'static [Area]) -> Brand {
    Brand { id, trade, quiet, areas }
}

/// Reports about a healthy brand, which follow those about another.
const fn collateral(
    provider: &'static str,
    of: &'static str,
    curve: &'static [Point],
    scale: f64,
    areas: &'static [Area],
) -> Surge {
    Surge {
        provider,
        cause: Cause::Collateral(of),
        curve,
        scale,
        areas,
        flaps: &[],
        late_share: 0.02,
    }
}

/// Some cities around one.
const fn metro(
    name: &'static str,
    admin1: &'static str,
    share: f64,
    back: Option<&'static str>,
) -> Area {
    Area {
        name,
        within: Within::Metro { country: "US", admin1, city: name, km: METRO_KM },
        share,
        back,
    }
}

/// Metropolitan areas of the USA reach about so far.
const METRO_KM: f64 = 45.0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::crowd::cities_in;
    use groundswell::catalogue;

    #[test]
    fn every_scenario_names_brands_of_the_catalogue_and_places_with_cities() {
        let catalogue = catalogue::builtin();
        for scenario in ALL {
            assert!(scenario.from() < scenario.until(), "{}", scenario.name);
            for brand in scenario.brands {
                let index = catalogue
                    .find(brand.id)
                    .unwrap_or_else(|| panic!("{} is not in the catalogue", brand.id));
                assert!(
                    !catalogue.get(index).retired && catalogue.get(index).id == brand.id,
                    "{}",
                    brand.id
                );
            }
            let of_brand = |id: &str| scenario.brands.iter().any(|brand| brand.id == id);
            assert!(
                scenario.surges.iter().all(|surge| of_brand(surge.provider)),
                "{}",
                scenario.name
            );
            assert!(
                scenario.counts.iter().all(|count| of_brand(count.provider)),
                "{}",
                scenario.name
            );
            let areas = scenario
                .brands
                .iter()
                .flat_map(|brand| brand.areas)
                .chain(scenario.surges.iter().flat_map(|surge| surge.areas));
            for area in areas {
                assert!(!cities_in(&area.within).is_empty(), "{}: {}", scenario.name, area.name);
                assert!(
                    area.back.is_none_or(|back| instant(back) < scenario.until()),
                    "{}: {}",
                    scenario.name,
                    area.name
                );
            }
        }
    }

    #[test]
    fn what_was_said_and_counted_lies_in_the_stream_and_short_returns_last_less_than_an_hour() {
        for scenario in ALL {
            let stream = scenario.from()..scenario.until();
            let said = scenario
                .words
                .iter()
                .map(|word| word.at)
                .chain(scenario.counts.iter().map(|count| count.at));
            assert!(said.map(instant).all(|at| stream.contains(&at)), "{}", scenario.name);
            for (from, to) in scenario.surges.iter().flat_map(|surge| surge.flaps) {
                assert!((1..3_600_000).contains(&instant(to).ms_since(instant(from))), "{from}");
            }
        }
    }

    #[test]
    fn a_scenario_is_found_by_its_name() {
        assert!(
            ALL.into_iter()
                .all(|scenario| std::ptr::eq(Scenario::by_name(scenario.name).unwrap(), scenario))
        );
        assert!(Scenario::by_name("Rogers").is_none());
    }
}
