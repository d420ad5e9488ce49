//! Which providers are reported that the catalogue does not have: so that an operator
//! sees who is missing.
//!
//! Names come from strangers, in any number: they are cut, cleaned and counted in a table
//! of a fixed size.

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Names that are shown.
const SHOWN: usize = 50;
/// Names that are counted: those that are shown are exact as long as strangers do not
/// invent more than so many.
const COUNTED: usize = 1_000;
/// Characters of a name that are kept.
const LONGEST_NAME: usize = 64;

/// The most frequent names, by the space-saving algorithm (Metwally, Agrawal, El Abbadi
/// 2005): a new name takes the place of the rarest one.
#[derive(Debug, Clone, Default)]
pub struct UnknownProviders {
    /// Held for one name.
    names: Arc<Mutex<HashMap<Name, Seen>>>,
}

/// A name as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct Name {
    /// `provider` or `plmn`.
    field: &'static str,
    name: String,
}

/// How often a name was seen.
#[derive(Debug, Clone, Copy)]
struct Seen {
    /// At most.
    count: u64,
    /// How many of these may be of names that it took the place of.
    error: u64,
}

impl UnknownProviders {
    /// Counts a name that no provider has.
    pub fn note(&self, field: &'static str, name: &str) {
        let name = Name { field, name: cleaned(name) };
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = names.get_mut(&name) {
            seen.count += 1;
            return;
        }
        let error = if names.len() < COUNTED { 0 } else { give_up_rarest(&mut names) };
        names.insert(name, Seen { count: error + 1, error });
    }

    /// The most frequent names and how often each was seen at least, most first.
    fn most_frequent(&self) -> Vec<(Name, u64)> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<(Name, u64)> =
            names.iter().map(|(name, seen)| (name.clone(), seen.count - seen.error)).collect();
        drop(names);
        all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        all.truncate(SHOWN);
        all
    }
}

impl Collector for UnknownProviders {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let help = "Reports of the 50 most frequent providers that the catalogue does not have, \
             at least so many.";
        let mut family = encoder.encode_descriptor(
            "unknown_provider_reports",
            help,
            None,
            MetricType::Counter,
        )?;
        for (name, count) in self.most_frequent() {
            ConstCounter::new(count).encode(family.encode_family(&name)?)?;
        }
        Ok(())
    }
}

/// Takes the rarest name out. Gives its count.
fn give_up_rarest(names: &mut HashMap<Name, Seen>) -> u64 {
    let rarest = names
        .iter()
        .min_by_key(|(name, seen)| (seen.count, *name))
        .map(|(name, seen)| (name.clone(), seen.count));
    rarest.map_or(0, |(name, count)| {
        names.remove(&name);
        count
    })
}

/// The name in lower case, without what a terminal or a scraper could trip over.
fn cleaned(name: &str) -> String {
    let clean = |c: char| if c.is_control() || matches!(c, '"' | '\\') { '_' } else { c };
    name.trim().chars().flat_map(char::to_lowercase).map(clean).take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::registry::Registry;

    #[test]
    fn the_most_frequent_names_are_shown_most_first() {
        let names = UnknownProviders::default();
        for n in 0..60 {
            (0..=n).for_each(|_| names.note("provider", &format!("name-{n:02}")));
        }
        let shown = names.most_frequent();
        assert_eq!(
            (shown.len(), &*shown[0].0.name, shown[0].1, shown[49].1),
            (50, "name-59", 60, 11)
        );
    }

    #[test]
    fn a_flood_of_names_takes_no_more_memory_and_hides_no_frequent_one() {
        let names = UnknownProviders::default();
        for n in 0..20_000 {
            names.note("provider", &format!("{n}"));
            if n % 20 == 0 {
                names.note("plmn", "99999");
            }
        }
        let shown = names.most_frequent();
        assert_eq!((shown[0].0.field, &*shown[0].0.name, shown[0].1), ("plmn", "99999", 1_000));
        assert_eq!(names.names.lock().unwrap().len(), COUNTED);
        assert!(shown[1..].iter().all(|(_, count)| *count == 1), "{shown:?}");
    }

    #[test]
    fn names_of_strangers_break_no_line() {
        let names = UnknownProviders::default();
        names.note("provider", "A\"\n\\} 1\u{0}");
        names.note("provider", &"x".repeat(10_000));
        let mut registry = Registry::with_prefix("groundswell");
        registry.register_collector(Box::new(names));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let line = "groundswell_unknown_provider_reports_total\
                    {field=\"provider\",name=\"a___} 1_\"} 1\n";
        assert!(text.contains(line), "{text}");
        assert!(text.contains(&format!("name=\"{}\"", "x".repeat(64))), "{text}");
    }
}
