//! The figures that a score is made of. Serialised, they are the object that the set's
//! own scorer writes.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// The whole score. Serialised, it is an object: a key for each family, then `ALL`. What
/// cannot be computed is NaN here and null there.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// In the order of the first stream of each.
    pub families: Vec<(String, Family)>,
    /// All of them together.
    pub all: All,
}

/// The figures of one family.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Family {
    /// Outages.
    pub n: usize,
    /// Outages found.
    pub hit: usize,
    /// Share of them.
    pub rate: f64,
    /// Median delay in minutes.
    pub med: f64,
    /// Delay that 90 % of the found outages keep, in minutes.
    pub p90: f64,
    /// Median of the outage's reports that had come by then.
    pub need: f64,
    /// False alarms a week.
    pub fa_wk: f64,
    /// Alarms on rises of the source log a week.
    pub rise_wk: f64,
    /// Mean share of the named cells that are the outage's.
    pub prec: f64,
    /// Mean share of the outage's cells that were named.
    pub rec: f64,
    /// Mean share of the outage's reports that lie in named cells.
    pub wrec: f64,
    /// Median minutes from the end of an outage to the end of its incidents.
    pub resolve: f64,
    /// Outages that were found and never resolved.
    pub never: usize,
    /// Median error of the onset in minutes.
    pub onset: f64,
    /// What the columns do not say.
    pub note: String,
    /// Things that must stay silent.
    pub quiet: usize,
    /// Those of them that did.
    pub quiet_ok: usize,
    /// Alarms on the others.
    pub bad: usize,
    /// Length of the streams.
    pub weeks: f64,
    /// False alarms.
    pub fa: usize,
}

/// The figures of all families; names as in [`Family`].
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[expect(missing_docs, reason = "the same as in a family, but for the four that say more")]
pub struct All {
    pub n: usize,
    pub hit: usize,
    pub rate: f64,
    pub med: f64,
    pub p90: f64,
    pub need: f64,
    pub fa_wk: f64,
    pub rise_wk: f64,
    pub weeks: f64,
    pub prec: f64,
    pub rec: f64,
    pub wrec: f64,
    pub resolve: f64,
    pub never: usize,
    /// Floods from few devices that stayed silent.
    pub spam_quiet: usize,
    /// Floods from few devices.
    pub spam_n: usize,
    /// Mean delay in minutes, a missed outage counted as 120, a later one too.
    pub cost: f64,
    /// That, and two minutes for each false alarm a week: lower is better.
    pub score: f64,
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.families.len() + 1))?;
        for (name, family) in &self.families {
            map.serialize_entry(name, family)?;
        }
        map.serialize_entry("ALL", &self.all)?;
        map.end()
    }
}
