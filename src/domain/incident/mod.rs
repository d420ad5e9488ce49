//! An incident: what people are told of. The episodes of all brands of a network that
//! belong together, followed through revisions.
//!
//! Pure. `desk` makes revisions from episodes; `register` folds what was recorded into
//! what is known, now or at any moment before; `attribution` tells a carrier that fails
//! from one that is blamed for its neighbour.

pub mod attribution;
pub mod dating;
pub mod desk;
pub mod entry;
pub mod evidence;
pub mod figures;
pub mod known;
pub mod public;
pub mod region;
pub mod register;
pub mod spike;
#[cfg(test)]
mod tests;
pub mod timeline;

use super::grid::Cell;
use super::privacy::coin::Coin;
use super::time::Timestamp;
use super::word_enum::word_enum;
use attribution::Attribution;
use evidence::PublishedEvidence;
use figures::Figures;
use public::Naming;
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::Arc;

/// The name of an incident: 16 hexadecimal digits outside. The same facts replayed give
/// the same, in the same store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IncidentId(pub u64);

/// How far an incident, or a brand's part of it, has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Told with reserve: too little is known of the provider's quiet days to be sure.
    Possible,
    /// It is there.
    Confirmed,
    /// Its reports have ebbed away, for how long is not yet known.
    Recovering,
    /// It is over. It may begin again.
    Resolved,
    /// It never was: what spoke for it was taken back.
    Withdrawn,
}

/// One revision of an incident: all that was known of it at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its name.
    pub id: IncidentId,
    /// Counts from 0.
    pub revision: u32,
    /// When this revision was made known.
    pub known_at: Timestamp,
    /// The network whose brands fail.
    pub network: String,
    /// How far it has come.
    pub state: State,
    /// When it was first told.
    pub detected_at: Timestamp,
    /// When it began, as far as the reports say.
    pub onset: Timestamp,
    /// When its reports ended, once that is believed.
    pub resolved_at: Option<Timestamp>,
    /// Why it ended, once it has.
    pub ending: Option<Ending>,
    /// Whether no region stands out: the cells then are those with reports.
    pub everywhere: bool,
    /// Where, sorted, disjoint, of mixed resolutions.
    pub cells: Arc<[Cell]>,
    /// The brands that fail, in the order they joined.
    pub brands: Vec<Brand>,
    /// How grave it is.
    pub figures: Figures,
    /// Other carriers that are reported of at the same place and time, and what that
    /// means.
    pub attributions: Vec<Attribution>,
    /// The incident that took it along.
    pub cause: Option<Cause>,
    /// What it was found by.
    pub method: Method,
    /// What its cells are, where it is the public form; none where it is exact.
    pub naming: Option<Naming>,
}

/// Which form of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// As the desk made it, for as long as that is kept; then the public one.
    Exact,
    /// As everybody is told of it.
    Public,
}

/// Why an incident ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Its reports ebbed away.
    Ebbed,
    /// It goes on as a part of another.
    Merged(IncidentId),
    /// Its brands left the catalogue, or take reports no more.
    Retired,
    /// Reports that spoke for it were taken back, for this public reason.
    Withdrawn(String),
}

/// A brand's part in an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Brand {
    /// Id of the provider.
    pub provider: String,
    /// Its episodes, as its detector numbers them; none where it was joined because the
    /// network it rides on fails.
    pub episodes: Vec<u64>,
    /// How far it has come.
    pub state: State,
    /// When it was first told of this brand.
    pub detected_at: Timestamp,
    /// When it began for this brand.
    pub onset: Timestamp,
    /// When it was over for this brand.
    pub resolved_at: Option<Timestamp>,
    /// What decided.
    pub evidence: PublishedEvidence,
}

/// An incident that took another along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Which.
    pub incident: IncidentId,
    /// The provider that the failing one depends on.
    pub provider: String,
}

/// What found an incident: the same method, numbers and catalogue find it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    /// Its version.
    pub version: String,
    /// Fingerprint of its parameters.
    pub parameters: u64,
    /// Fingerprint of the catalogue.
    pub catalogue: u64,
}

impl IncidentId {
    /// The name of the incident that begins with this episode: the first 64 bits of a
    /// SHA-256 over what makes it unique. An episode is called by where and when it began,
    /// which a name must not tell: where everybody reads it, the coin takes its place.
    #[must_use]
    pub fn of(network: &str, provider: &str, episode: u64, coin: Option<&Coin>) -> Self {
        let episode = coin.map_or(episode, |coin| coin.blinded(provider, episode));
        let digest: [u8; 32] =
            Sha256::digest(format!("{network}\n{provider}\n{episode:016x}")).into();
        Self(u64::from_be_bytes(*digest.first_chunk().expect("a digest has 32 bytes")))
    }

    /// The name that these 16 hexadecimal digits say.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 16
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        digits.then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for IncidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

word_enum! {
    State:
    Possible = "possible",
    Confirmed = "confirmed",
    Recovering = "recovering",
    Resolved = "resolved",
    Withdrawn = "withdrawn",
}

impl State {
    /// Whether it still goes on.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Possible | Self::Confirmed | Self::Recovering)
    }
}

impl Incident {
    /// How long it lasted, or has lasted when this was known, in milliseconds.
    #[must_use]
    pub fn duration_ms(&self) -> i64 {
        self.resolved_at.unwrap_or(self.known_at).ms_since(self.onset).max(0)
    }

    /// The brand of that provider in it.
    #[must_use]
    pub fn brand(&self, provider: &str) -> Option<&Brand> {
        self.brands.iter().find(|brand| brand.provider == provider)
    }

    /// The strongest evidence of its brands: what opened it.
    #[must_use]
    pub fn evidence(&self) -> Option<(&str, &PublishedEvidence)> {
        self.brands
            .iter()
            .map(|brand| (&*brand.provider, &brand.evidence))
            .max_by(|a, b| a.1.strength().total_cmp(&b.1.strength()))
    }
}
