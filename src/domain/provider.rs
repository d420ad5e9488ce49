//! Providers and the catalogue that names them. Unknown ones are refused, never created.

mod country;
mod fault;
mod links;

pub use country::is_country;
pub use fault::{CatalogueError, Fault, MOST_NAME_CHARS, MOST_SUBSCRIBERS, Place};

use super::word_enum::word_enum;
use hashbrown::HashMap;
use sha2::{Digest, Sha256};

/// The place of a provider in the catalogue of this process. Never stored: stores keep
/// ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderIndex(pub u16);

/// The place of a network in the catalogue of this process. Never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkIndex(pub u16);

/// Whose reports a reader asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Subject {
    /// One brand.
    Provider(ProviderIndex),
    /// All brands of a network together.
    Network(NetworkIndex),
    /// All brands of the catalogue together.
    All,
}

/// A brand that people have service from, or a service that depends on one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// `[a-z0-9][a-z0-9-]{0,63}`, never renamed.
    pub id: String,
    /// As people know it.
    pub name: String,
    /// What it provides.
    pub category: Category,
    /// Where, as ISO 3166-1 alpha-2 codes.
    pub countries: Vec<String>,
    /// The network it rides on; brands of one network fail together.
    pub network: String,
    /// Ids of providers whose failure takes this one along.
    pub depends_on: Vec<String>,
    /// Other ids that mean this provider.
    pub aliases: Vec<String>,
    /// Mobile network codes (MCC and MNC) that mean this provider.
    pub plmn: Vec<String>,
    /// How many subscribers it has, where a public source says so.
    pub subscribers: Option<u64>,
    /// Whether it no longer takes reports; what was reported stays readable.
    pub retired: bool,
}

impl Provider {
    /// One of which nothing but the id is known.
    #[must_use]
    pub fn of_id(id: String) -> Self {
        Self {
            name: id.clone(),
            network: id.clone(),
            id,
            category: Category::Service,
            countries: Vec::new(),
            depends_on: Vec::new(),
            aliases: Vec::new(),
            plmn: Vec::new(),
            subscribers: None,
            retired: false,
        }
    }
}

/// What a provider provides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Mobile telephony and data.
    Mobile,
    /// Fixed internet.
    Internet,
    /// Something that depends on both: payments, messengers, clouds.
    Service,
}

word_enum! {
    Category:
    Mobile = "mobile",
    Internet = "internet",
    Service = "service",
}

/// All providers of this process.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    providers: Vec<Provider>,
    indexes: Vec<ProviderIndex>,
    by_name: HashMap<String, ProviderIndex>,
    by_plmn: HashMap<String, ProviderIndex>,
    by_network: HashMap<String, NetworkIndex>,
    networks: Vec<Network>,
}

/// Brands that fail together.
#[derive(Debug, Clone)]
struct Network {
    name: String,
    brands: Vec<ProviderIndex>,
}

/// Providers of a catalogue at most.
pub const MOST_PROVIDERS: usize = 10_000;

impl Catalogue {
    /// A catalogue of these providers.
    ///
    /// # Errors
    /// At the first provider that breaks a rule.
    pub fn new(providers: Vec<Provider>) -> Result<Self, CatalogueError> {
        if providers.is_empty() {
            return Err(CatalogueError::Empty);
        }
        if providers.len() > MOST_PROVIDERS {
            return Err(CatalogueError::TooMany(providers.len()));
        }
        let mut catalogue = Self::default();
        for (index, provider) in (0..).map(ProviderIndex).zip(&providers) {
            let known = |index: ProviderIndex| providers[usize::from(index.0)].id.clone();
            catalogue.name(index, provider, known)?;
            catalogue.indexes.push(index);
        }
        links::check(&catalogue, &providers)?;
        catalogue.providers = providers;
        Ok(catalogue)
    }

    /// The provider that this id or alias means.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ProviderIndex> {
        self.by_name.get(name).copied()
    }

    /// The provider that this mobile network code means.
    #[must_use]
    pub fn find_plmn(&self, plmn: &str) -> Option<ProviderIndex> {
        self.by_plmn.get(plmn).copied()
    }

    /// The network of that name.
    #[must_use]
    pub fn find_network(&self, name: &str) -> Option<NetworkIndex> {
        self.by_network.get(name).copied()
    }

    /// Networks that only one provider names and that are no provider's id, with that
    /// provider's id: perhaps misspelt.
    pub fn lone_networks(&self) -> impl Iterator<Item = (&str, &str)> {
        let lone = self
            .networks
            .iter()
            .filter(|network| network.brands.len() == 1 && self.find(&network.name).is_none());
        lone.map(|network| (&*network.name, &*self.get(network.brands[0]).id))
    }

    /// The brands of a subject, in catalogue order: at least one.
    ///
    /// # Panics
    /// Where the subject is of another catalogue.
    #[must_use]
    pub fn brands(&self, subject: Subject) -> &[ProviderIndex] {
        match subject {
            Subject::Provider(index) => std::slice::from_ref(&self.indexes[usize::from(index.0)]),
            Subject::Network(index) => &self.networks[usize::from(index.0)].brands,
            Subject::All => &self.indexes,
        }
    }

    /// The id of a provider, the name of a network, or `all`.
    ///
    /// # Panics
    /// Where the subject is of another catalogue.
    #[must_use]
    pub fn subject_name(&self, subject: Subject) -> &str {
        match subject {
            Subject::Provider(index) => &self.get(index).id,
            Subject::Network(index) => &self.networks[usize::from(index.0)].name,
            Subject::All => "all",
        }
    }

    /// The provider at an index of this catalogue.
    ///
    /// # Panics
    /// Where the index is of another catalogue.
    #[must_use]
    pub fn get(&self, index: ProviderIndex) -> &Provider {
        &self.providers[usize::from(index.0)]
    }

    /// All of them, in catalogue order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ProviderIndex, &Provider)> {
        self.providers
            .iter()
            .enumerate()
            .map(|(index, provider)| (ProviderIndex(index as u16), provider))
    }

    /// Whether an outage of one is one of the other: brands of one network, and whoever
    /// depends on it.
    #[must_use]
    pub fn fail_together(&self, one: ProviderIndex, other: ProviderIndex) -> bool {
        let (one, other) = (self.get(one), self.get(other));
        let network_of = |id: &String| self.find(id).map(|index| &self.get(index).network);
        let needs = |one: &Provider, other: &Provider| {
            one.depends_on.iter().filter_map(network_of).any(|network| *network == other.network)
        };
        one.network == other.network || needs(one, other) || needs(other, one)
    }

    /// The network that a provider rides on.
    ///
    /// # Panics
    /// Where the index is of another catalogue.
    #[must_use]
    pub fn network_of(&self, index: ProviderIndex) -> NetworkIndex {
        self.by_network[&self.get(index).network]
    }

    /// The networks of the providers that one depends on.
    ///
    /// # Panics
    /// Where the index is of another catalogue.
    #[must_use]
    pub fn networks_needed(&self, index: ProviderIndex) -> Vec<NetworkIndex> {
        self.get(index)
            .depends_on
            .iter()
            .filter_map(|id| self.find(id))
            .map(|needed| self.network_of(needed))
            .collect()
    }

    /// A number that two catalogues share only where they say the same (the first 64 bits
    /// of a SHA-256): nodes of one store should.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = Sha256::new();
        for provider in &self.providers {
            // What Debug writes names every field, and quotes what could be taken for
            // something else.
            hasher.update(format!("{provider:?}\n"));
        }
        let digest: [u8; 32] = hasher.finalize().into();
        u64::from_be_bytes(*digest.first_chunk().expect("a digest has 32 bytes"))
    }

    /// How many.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.providers.len()
    }

    /// Never true of a catalogue that was made.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.providers.is_empty()
    }

    /// Takes in what a provider is called. `known` gives the id of one that was taken in
    /// before.
    fn name(
        &mut self,
        index: ProviderIndex,
        provider: &Provider,
        known: impl Fn(ProviderIndex) -> String,
    ) -> Result<(), CatalogueError> {
        let refuse = |field, item, fault| {
            Err(links::refused(usize::from(index.0), provider, field, item, fault))
        };
        let names = std::iter::once(("id", 0, &provider.id))
            .chain((0..).zip(&provider.aliases).map(|(item, alias)| ("aliases", item, alias)));
        for (field, item, name) in names {
            if !is_id(name) {
                return refuse(
                    field,
                    item,
                    Fault::Pattern { what: "provider id", got: name.clone() },
                );
            }
            if let Some(before) = self.by_name.insert(name.clone(), index) {
                return refuse(
                    field,
                    item,
                    Fault::NameTwice { name: name.clone(), by: known(before) },
                );
            }
        }
        for (item, plmn) in provider.plmn.iter().enumerate() {
            if !is_plmn(plmn) {
                return refuse("plmn", item, Fault::Plmn(plmn.clone()));
            }
            if let Some(before) = self.by_plmn.insert(plmn.clone(), index) {
                return refuse(
                    "plmn",
                    item,
                    Fault::PlmnTwice { plmn: plmn.clone(), by: known(before) },
                );
            }
        }
        for (item, country) in provider.countries.iter().enumerate() {
            if !is_country(country) {
                return refuse("countries", item, Fault::Country(country.clone()));
            }
            if provider.countries[..item].contains(country) {
                return refuse(
                    "countries",
                    item,
                    Fault::ItemTwice { field: "countries", item: country.clone() },
                );
            }
        }
        if !is_name(&provider.name) {
            return refuse("name", 0, Fault::Name(provider.name.clone()));
        }
        if let Some(subscribers) =
            provider.subscribers.filter(|count| !(1..=MOST_SUBSCRIBERS).contains(count))
        {
            return refuse("subscribers", 0, Fault::Subscribers(subscribers));
        }
        if !is_id(&provider.network) {
            return refuse(
                "network",
                0,
                Fault::Pattern { what: "network", got: provider.network.clone() },
            );
        }
        self.ride(index, provider);
        Ok(())
    }

    /// Counts a provider among the brands of its network.
    fn ride(&mut self, index: ProviderIndex, provider: &Provider) {
        let next = NetworkIndex(self.networks.len() as u16);
        let network = *self.by_network.entry(provider.network.clone()).or_insert(next);
        if network == next {
            self.networks.push(Network { name: provider.network.clone(), brands: Vec::new() });
        }
        self.networks[usize::from(network.0)].brands.push(index);
    }
}

/// Whether a network can have it as its code: five or six digits, and neither 65535 nor
/// zeros alone, which phones send for none.
fn is_plmn(text: &str) -> bool {
    let is_none = text.starts_with("65535") || text.bytes().all(|b| b == b'0');
    (5..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) && !is_none
}

/// Whether people can read it as a name.
fn is_name(text: &str) -> bool {
    !text.trim().is_empty()
        && text.chars().count() <= MOST_NAME_CHARS
        && !text.chars().any(char::is_control)
}

/// Whether it is written as the ids of providers and networks are.
#[must_use]
pub fn is_id(text: &str) -> bool {
    let lower_or_digit = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let Some((head, tail)) = text.as_bytes().split_first() else { return false };
    text.len() <= 64
        && lower_or_digit(*head)
        && tail.iter().all(|b| lower_or_digit(*b) || *b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(id: &str, network: &str) -> Provider {
        Provider {
            id: id.into(),
            name: id.to_uppercase(),
            category: Category::Mobile,
            countries: vec!["CA".into()],
            network: network.into(),
            depends_on: vec![],
            aliases: vec![],
            plmn: vec![],
            subscribers: None,
            retired: false,
        }
    }

    #[test]
    fn a_provider_is_found_by_id_alias_plmn_and_network() {
        let fido = Provider {
            aliases: vec!["fido-ca".into()],
            plmn: vec!["302370".into()],
            ..provider("fido", "rogers")
        };
        let catalogue = Catalogue::new(vec![provider("rogers", "rogers"), fido]).unwrap();
        let index = Some(ProviderIndex(1));
        assert_eq!(catalogue.find("fido"), index);
        assert_eq!(catalogue.find("fido-ca"), index);
        assert_eq!(catalogue.find_plmn("302370"), index);
        let rogers = Subject::Network(catalogue.find_network("rogers").unwrap());
        assert_eq!(catalogue.brands(rogers), [ProviderIndex(0), ProviderIndex(1)]);
        assert_eq!(catalogue.subject_name(rogers), "rogers");
        assert_eq!(catalogue.brands(Subject::Provider(ProviderIndex(1))), [ProviderIndex(1)]);
        assert_eq!(
            (catalogue.find("Fido"), catalogue.find_plmn("302"), catalogue.find_network("fido")),
            (None, None, None)
        );
    }

    #[test]
    fn brands_of_a_network_and_who_depends_on_one_of_them_fail_together() {
        let interac =
            Provider { depends_on: vec!["fido".into()], ..provider("interac", "interac") };
        let all = vec![
            provider("rogers", "rogers"),
            provider("fido", "rogers"),
            interac,
            provider("bell", "bell"),
        ];
        let catalogue = Catalogue::new(all).unwrap();
        for (one, other) in (0..4).flat_map(|one| (0..4).map(move |other| (one, other))) {
            let together = catalogue.fail_together(ProviderIndex(one), ProviderIndex(other));
            assert_eq!(together, one == other || one != 3 && other != 3, "{one}, {other}");
        }
    }

    #[test]
    fn a_fingerprint_changes_with_anything_that_a_catalogue_says() {
        let print = |change: fn(&mut Provider)| {
            let mut other = provider("bell", "bell");
            change(&mut other);
            Catalogue::new(vec![provider("rogers", "rogers"), other]).unwrap().fingerprint()
        };
        let same = print(|_| {});
        assert_eq!(same, print(|_| {}));
        let changes: [fn(&mut Provider); 4] = [
            |p| p.name.push('!'),
            |p| p.retired = true,
            |p| p.plmn.push("302610".into()),
            |p| p.network = "rogers".into(),
        ];
        assert!(changes.iter().all(|change| print(*change) != same));
    }

    #[test]
    fn a_network_that_nobody_else_names_may_be_misspelt() {
        let provider = |id: &str, network: &str| Provider {
            network: network.into(),
            ..Provider::of_id(id.into())
        };
        let providers = [("a", "a"), ("b", "a"), ("c", "north"), ("d", "north"), ("e", "noth")]
            .map(|(id, network)| provider(id, network));
        let catalogue = Catalogue::new(providers.into()).unwrap();
        assert_eq!(catalogue.lone_networks().collect::<Vec<_>>(), [("noth", "e")]);
    }

    #[test]
    fn a_broken_list_is_refused_with_the_offending_value() {
        let with = |change: fn(&mut Provider)| {
            let mut broken = provider("bell", "bell");
            change(&mut broken);
            let rogers = Provider {
                aliases: vec!["rogers-wireless".into()],
                plmn: vec!["302720".into()],
                ..provider("rogers", "rogers")
            };
            Catalogue::new(vec![rogers, provider("fido", "rogers"), broken])
                .unwrap_err()
                .to_string()
        };
        let rows: [(fn(&mut Provider), &str); 31] = [
            (|p| p.id = "Bell".into(), "\"Bell\""),
            (|p| p.id = "-bell".into(), "\"-bell\""),
            (|p| p.id = String::new(), "provider id must match"),
            (|p| p.id = "b".repeat(65), "bbbb"),
            (|p| p.id = "rogers".into(), "used twice, it means \"rogers\" already"),
            (
                |p| p.aliases = vec!["rogers".into()],
                "provider \"bell\": id or alias \"rogers\" is used twice",
            ),
            (|p| p.aliases = vec!["bell".into()], "used twice, it means \"bell\" already"),
            (|p| p.aliases = vec![String::new()], "got \"\""),
            (|p| p.aliases = vec!["b".into(), "b".into()], "used twice, it means \"bell\" already"),
            (
                |p| p.name = String::new(),
                "provider \"bell\": name must be 1 to 200 characters on one line, got \"\"",
            ),
            (|p| p.name = " \u{a0}".into(), "name must be"),
            (|p| p.name = "Be\nll".into(), "name must be"),
            (|p| p.name = "b".repeat(201), "name must be"),
            (|p| p.plmn = vec!["3027".into()], "5 or 6 digits"),
            (|p| p.plmn = vec!["302-720".into()], "\"302-720\""),
            (|p| p.plmn = vec!["000000".into()], "\"000000\""),
            (|p| p.plmn = vec!["65535".into()], "\"65535\""),
            (
                |p| p.plmn = vec!["302720".into()],
                "plmn \"302720\" is used twice, it means \"rogers\" already",
            ),
            (|p| p.plmn = vec!["302610".into(), "302610".into()], "it means \"bell\" already"),
            (|p| p.countries = vec!["Canada".into()], "\"Canada\""),
            (|p| p.countries = vec!["UK".into()], "such as CA, US or GB, got \"UK\""),
            (|p| p.countries = vec!["CA".into(), "CA".into()], "countries lists \"CA\" twice"),
            (|p| p.subscribers = Some(0), "subscribers must be 1 to 10000000000, got 0"),
            (|p| p.subscribers = Some(10_000_000_001), "got 10000000001"),
            (|p| p.depends_on = vec!["nobody".into()], "\"nobody\""),
            (
                |p| p.depends_on = vec!["rogers-wireless".into()],
                "which is an alias: write the id \"rogers\"",
            ),
            (|p| p.depends_on = vec!["bell".into()], "provider \"bell\": depends on itself"),
            (
                |p| p.depends_on = vec!["rogers".into(), "rogers".into()],
                "depends_on lists \"rogers\" twice",
            ),
            (|p| p.network = String::new(), "\"\""),
            (
                |p| p.network = "rogers-wireless".into(),
                "network \"rogers-wireless\" is an alias: write the id \"rogers\"",
            ),
            (
                |p| p.network = "fido".into(),
                "\"fido\" is itself a brand of the network \"rogers\": write \"rogers\"",
            ),
        ];
        for (change, expected) in rows {
            let message = with(change);
            assert!(message.contains(expected), "{message}");
        }
        assert_eq!(Catalogue::new(vec![]).unwrap_err(), CatalogueError::Empty);
    }

    #[test]
    fn a_circle_of_dependencies_is_refused_where_it_begins() {
        let needs = |id: &str, others: &[&str]| {
            let depends_on = others.iter().map(|id| (*id).to_owned()).collect();
            Provider { depends_on, ..provider(id, id) }
        };
        let outside = [needs("u", &["v"]), needs("v", &["b"])];
        let circle =
            [needs("c", &["x", "a"]), needs("a", &["b"]), needs("b", &["c"]), needs("x", &[])];
        let error = Catalogue::new(outside.iter().chain(&circle).cloned().collect()).unwrap_err();
        let CatalogueError::Provider { id, place, fault } = error else { panic!("{error}") };
        assert_eq!(
            (id.as_str(), place),
            ("c", Place { provider: 2, field: "depends_on", item: 1 })
        );
        assert_eq!(fault.to_string(), "depends on itself by way of others: c -> a -> b -> c");
        let chain: Vec<Provider> = (0..MOST_PROVIDERS)
            .map(|n| needs(&format!("p{n}"), &[&format!("p{}", n + 1)]))
            .collect();
        let last = chain.len() - 1;
        let ended = [&chain[..last], &[needs(&format!("p{last}"), &[])]].concat();
        assert_eq!(Catalogue::new(ended).unwrap().len(), MOST_PROVIDERS);
        let round = [&chain[..last], &[needs(&format!("p{last}"), &["p0"])]].concat();
        let message = Catalogue::new(round).unwrap_err().to_string();
        assert!(
            message.ends_with(
                "by way of others: p0 -> p1 -> p2 -> p3 -> p4 -> p5 -> p6 -> p7 -> … -> p0"
            ),
            "{message}"
        );
    }

    #[test]
    fn brands_may_share_a_network_that_is_none_of_them() {
        assert!(
            Catalogue::new(vec![provider("alpha", "north"), provider("bravo", "north")]).is_ok()
        );
    }
}
