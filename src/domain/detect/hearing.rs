//! Which providers' detectors hear each other, and where: all but those of providers that
//! fail together, in the parts of the map that each was heard of in.
//!
//! Kept up to date as detectors grow, so that a zone asks the few near it: a catalogue
//! may have 10,000 providers, and each is stepped every minute.

use super::Detector;
use super::scan::Scan;
use crate::domain::grid::{Cell, Resolution};
use crate::domain::provider::{Catalogue, NetworkIndex, ProviderIndex};
use hashbrown::HashMap;

/// Who was never heard of in the cell of this resolution that a zone lies in, nor in one
/// next to that, has nothing to say of it: all of a zone that asks lies there.
pub(super) const NEAR: Resolution = Resolution::ALL[3];

/// Who hears whom, for the detectors of one catalogue.
#[derive(Debug, Clone)]
pub struct Hearing {
    kin: Vec<Kin>,
    /// Providers that were heard of in each cell of [`NEAR`], in catalogue order.
    heard_of: HashMap<Cell, Vec<u16>>,
    /// How many of its places of [`NEAR`] are in that, by the provider's place in the
    /// catalogue. Places never go away.
    noted: Vec<usize>,
}

/// What decides with whom a provider fails.
#[derive(Debug, Clone)]
struct Kin {
    network: NetworkIndex,
    /// The networks of those that it depends on.
    needs: Vec<NetworkIndex>,
}

impl Hearing {
    /// That of a catalogue whose detectors have seen nothing.
    #[must_use]
    pub fn of(catalogue: &Catalogue) -> Self {
        let kin = |(index, _)| Kin {
            network: catalogue.network_of(index),
            needs: catalogue.networks_needed(index),
        };
        Self {
            kin: catalogue.iter().map(kin).collect(),
            heard_of: HashMap::new(),
            noted: vec![0; catalogue.len()],
        }
    }

    /// Notes where a detector was heard of since it was noted last. To be called whenever
    /// it has taken facts, before another is judged.
    pub fn note(&mut self, provider: ProviderIndex, detector: &Detector) {
        let places = &detector.scan.levels[usize::from(NEAR.number())].cells;
        let noted = std::mem::replace(&mut self.noted[usize::from(provider.0)], places.len());
        for cell in &places[noted..] {
            let heard_of = self.heard_of.entry(*cell).or_default();
            if let Err(place) = heard_of.binary_search(&provider.0) {
                heard_of.insert(place, provider.0);
            }
        }
    }

    /// The detectors that the one between these two parts of a catalogue is compared
    /// with, near a cell of [`NEAR`]: those that know what is usual and were heard of in
    /// it or in one next to it, in catalogue order.
    pub(super) fn near<'a>(
        &self,
        before: &'a [Detector],
        after: &'a [Detector],
        cell: Cell,
    ) -> Vec<&'a Scan> {
        let own = before.len();
        let around = cell.disk(1);
        let mut near: Vec<u16> = around
            .iter()
            .filter_map(|(cell, _)| self.heard_of.get(cell))
            .flatten()
            .copied()
            .collect();
        near.sort_unstable();
        near.dedup();
        let others = near
            .into_iter()
            .map(usize::from)
            .filter(|other| *other != own && !self.fail_together(own, *other));
        let detectors =
            others.map(|other| if other < own { &before[other] } else { &after[other - own - 1] });
        detectors.filter(|detector| !detector.is_cold()).map(|detector| &detector.scan).collect()
    }

    /// As [`Catalogue::fail_together`].
    fn fail_together(&self, one: usize, other: usize) -> bool {
        let (one, other) = (&self.kin[one], &self.kin[other]);
        one.network == other.network
            || one.needs.contains(&other.network)
            || other.needs.contains(&one.network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::Provider;

    #[test]
    fn those_that_fail_together_are_those_of_the_catalogue() {
        let provider = |id: &str, network: &str, depends_on: &[&str]| Provider {
            network: network.to_owned(),
            depends_on: depends_on.iter().map(|id| (*id).to_owned()).collect(),
            aliases: vec![format!("{id}-too")],
            ..Provider::of_id(id.to_owned())
        };
        let providers = vec![
            provider("a", "one", &[]),
            provider("b", "one", &[]),
            provider("c", "two", &["b"]),
            provider("d", "three", &["c", "e"]),
            provider("e", "four", &[]),
            provider("f", "five", &["a"]),
        ];
        let catalogue = Catalogue::new(providers).unwrap();
        let hearing = Hearing::of(&catalogue);
        let all = || catalogue.iter().map(|(index, _)| index);
        for (one, other) in all().flat_map(|one| all().map(move |other| (one, other))) {
            let together = hearing.fail_together(usize::from(one.0), usize::from(other.0));
            assert_eq!(together, catalogue.fail_together(one, other), "{one:?} {other:?}");
        }
    }
}
