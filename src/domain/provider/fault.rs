//! What can be wrong with a list of providers, and where in it.

/// Why a list of providers is no catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// A provider breaks a rule.
    #[error("provider {id:?}: {fault}")]
    Provider {
        /// Its id, as it stands there.
        id: String,
        /// Where the rule is broken.
        place: Place,
        /// Which rule.
        fault: Fault,
    },
    /// More providers than can be numbered.
    #[error("a catalogue has at most 10000 providers, got {0}")]
    TooMany(usize),
    /// Nobody to report about.
    #[error("a catalogue needs at least one provider")]
    Empty,
}

/// A value of a list of providers. Whoever read the list can tell its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The provider's place in the list, from 0.
    pub provider: usize,
    /// The field's name.
    pub field: &'static str,
    /// The place in the field, where that is a list, from 0.
    pub item: usize,
}

/// The rule that a value breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// An id, an alias or a network breaks the pattern of ids.
    #[error("{what} must match [a-z0-9][a-z0-9-]{{0,63}}, got {got:?}")]
    Pattern {
        /// What it should be.
        what: &'static str,
        /// What it says.
        got: String,
    },
    /// Nothing that people could know it by.
    #[error("name must be 1 to {MOST_NAME_CHARS} characters on one line, got {0:?}")]
    Name(String),
    /// Two providers answer to one name.
    #[error("id or alias {name:?} is used twice, it means {by:?} already")]
    NameTwice {
        /// Which.
        name: String,
        /// The id of who has it.
        by: String,
    },
    /// Two providers claim one code.
    #[error("plmn {plmn:?} is used twice, it means {by:?} already")]
    PlmnTwice {
        /// Which.
        plmn: String,
        /// The id of who has it.
        by: String,
    },
    /// A code that no network has.
    #[error(
        "plmn must be 5 or 6 digits, and not 65535 or zeros, which phones send for none, got {0:?}"
    )]
    Plmn(String),
    /// No country.
    #[error("country must be two capital letters of ISO 3166-1, such as CA, US or GB, got {0:?}")]
    Country(String),
    /// A list that says something twice.
    #[error("{field} lists {item:?} twice")]
    ItemTwice {
        /// Which list.
        field: &'static str,
        /// What it says twice.
        item: String,
    },
    /// More subscribers than there are people, or none.
    #[error("subscribers must be 1 to {MOST_SUBSCRIBERS}, got {0}")]
    Subscribers(u64),
    /// It depends on a provider that is not there.
    #[error("depends on {0:?}, which the catalogue does not have")]
    UnknownDependency(String),
    /// It depends on an alias.
    #[error("depends on {alias:?}, which is an alias: write the id {id:?}")]
    AliasDependency {
        /// What it says.
        alias: String,
        /// What it means.
        id: String,
    },
    /// It depends on itself.
    #[error("depends on itself")]
    OnItself,
    /// What it depends on depends on it.
    #[error("depends on itself by way of others: {}", .0.join(" -> "))]
    Circle(Vec<String>),
    /// Its network is an alias.
    #[error("network {alias:?} is an alias: write the id {id:?}")]
    AliasNetwork {
        /// What it says.
        alias: String,
        /// What it means.
        id: String,
    },
    /// Its network is a brand of another network.
    #[error("network {network:?} is itself a brand of the network {of:?}: write {of:?}")]
    NetworkOfABrand {
        /// What it says.
        network: String,
        /// What that rides on.
        of: String,
    },
}

/// Characters of a name at most.
pub const MOST_NAME_CHARS: usize = 200;
/// Subscribers of a provider at most: a little more than there are people.
pub const MOST_SUBSCRIBERS: u64 = 10_000_000_000;
