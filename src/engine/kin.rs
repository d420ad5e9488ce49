//! Which providers' detectors hear each other: all but those of providers that fail together.

use crate::domain::detect::Detector;
use crate::domain::detect::others::Others;
use crate::domain::provider::{Catalogue, ProviderIndex};

/// For each provider of a catalogue, which others fail with it.
#[derive(Debug, Clone)]
pub struct Kin(Vec<Vec<bool>>);

impl Kin {
    /// Those of a catalogue.
    pub fn of(catalogue: &Catalogue) -> Self {
        let all = || catalogue.iter().map(|(index, _)| index);
        Self(all().map(|one| all().map(|other| catalogue.fail_together(one, other)).collect()).collect())
    }

    /// The detector of a provider, and those it is compared with.
    pub fn apart<'a>(&self, detectors: &'a mut [Detector], provider: ProviderIndex) -> (&'a mut Detector, Others<'a>) {
        let n = usize::from(provider.0);
        let (before, from) = detectors.split_at_mut(n);
        let (own, after) = from.split_first_mut().expect("every provider has a detector");
        let others = before.iter().zip(&self.0[n]).chain(after.iter().zip(&self.0[n][n + 1..]));
        (own, Others::new(others.filter(|(_, is_kin)| !**is_kin).map(|(detector, _)| detector)))
    }
}
