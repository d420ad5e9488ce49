//! What providers say of each other: on whose network they ride, and whom they depend on.

use super::fault::{CatalogueError, Fault, Place};
use super::{Catalogue, Provider};
use std::collections::{HashMap, HashSet};

/// Providers of a circle that a message names at most.
const MOST_SHOWN: usize = 10;

/// Looks at the links of all providers; their names are known.
///
/// # Errors
/// At the first that leads nowhere, to an alias, or in a circle.
pub fn check(catalogue: &Catalogue, providers: &[Provider]) -> Result<(), CatalogueError> {
    for (at, provider) in providers.iter().enumerate() {
        if let Some(fault) = network_fault(catalogue, providers, provider) {
            return Err(refused(at, provider, "network", 0, fault));
        }
        let mut seen = HashSet::new();
        for (item, id) in provider.depends_on.iter().enumerate() {
            let twice = || Fault::ItemTwice { field: "depends_on", item: id.clone() };
            let is_new = seen.insert(id);
            if let Some(fault) = dependency_fault(catalogue, providers, provider, id)
                .or_else(|| (!is_new).then(twice))
            {
                return Err(refused(at, provider, "depends_on", item, fault));
            }
        }
    }
    circle(providers)
}

/// A rule that a provider breaks.
pub fn refused(
    at: usize,
    provider: &Provider,
    field: &'static str,
    item: usize,
    fault: Fault,
) -> CatalogueError {
    CatalogueError::Provider {
        id: provider.id.clone(),
        place: Place { provider: at, field, item },
        fault,
    }
}

/// A network need not be called like a provider: its name is then that of no brand.
fn network_fault(
    catalogue: &Catalogue,
    providers: &[Provider],
    provider: &Provider,
) -> Option<Fault> {
    let network = provider.network.clone();
    let own = &providers[usize::from(catalogue.find(&network)?.0)];
    if own.id != network {
        Some(Fault::AliasNetwork { alias: network, id: own.id.clone() })
    } else if own.network != network {
        Some(Fault::NetworkOfABrand { network, of: own.network.clone() })
    } else {
        None
    }
}

fn dependency_fault(
    catalogue: &Catalogue,
    providers: &[Provider],
    provider: &Provider,
    id: &str,
) -> Option<Fault> {
    let Some(found) = catalogue.find(id).map(|index| &providers[usize::from(index.0)].id) else {
        return Some(Fault::UnknownDependency(id.to_owned()));
    };
    if found != id {
        Some(Fault::AliasDependency { alias: id.to_owned(), id: found.clone() })
    } else if *found == provider.id {
        Some(Fault::OnItself)
    } else {
        None
    }
}

/// Refuses providers that depend on each other in a circle. Takes out who depends on
/// nobody that is left (Kahn 1962): who stays at the end is on a circle or depends on
/// one.
fn circle(providers: &[Provider]) -> Result<(), CatalogueError> {
    let at: HashMap<&str, usize> =
        providers.iter().enumerate().map(|(at, provider)| (provider.id.as_str(), at)).collect();
    let mut left: Vec<usize> = providers.iter().map(|provider| provider.depends_on.len()).collect();
    let mut needed_by: HashMap<usize, Vec<usize>> = HashMap::new();
    for (n, provider) in providers.iter().enumerate() {
        provider
            .depends_on
            .iter()
            .for_each(|id| needed_by.entry(at[id.as_str()]).or_default().push(n));
    }
    let mut done: Vec<usize> = (0..providers.len()).filter(|n| left[*n] == 0).collect();
    while let Some(n) = done.pop() {
        for other in needed_by.remove(&n).unwrap_or_default() {
            left[other] -= 1;
            if left[other] == 0 {
                done.push(other);
            }
        }
    }
    let Some(start) = left.iter().position(|left| *left > 0) else { return Ok(()) };
    // Whoever is left depends on somebody who is left, so this walk meets somebody again.
    let mut way = vec![start];
    loop {
        let provider = &providers[way[way.len() - 1]];
        let next = provider.depends_on.iter().map(|id| at[id.as_str()]).find(|n| left[*n] > 0);
        let Some(next) = next else { return Ok(()) };
        if let Some(begins) = way.iter().position(|n| *n == next) {
            return Err(on_circle(providers, &way[begins..]));
        }
        way.push(next);
    }
}

/// Names the one that stands first in the list.
fn on_circle(providers: &[Provider], circle: &[usize]) -> CatalogueError {
    let first = (0..circle.len()).min_by_key(|n| circle[*n]).unwrap_or_default();
    let mut ids = circle[first..]
        .iter()
        .chain(&circle[..=first])
        .map(|n| providers[*n].id.clone())
        .collect::<Vec<_>>();
    if MOST_SHOWN < ids.len() {
        ids.splice(MOST_SHOWN - 2..ids.len() - 1, ["…".to_owned()]);
    }
    let provider = &providers[circle[first]];
    let item = provider.depends_on.iter().position(|id| *id == ids[1]).unwrap_or_default();
    refused(circle[first], provider, "depends_on", item, Fault::Circle(ids))
}
