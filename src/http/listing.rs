//! What lists have in common: their parameters, and their pages.

use super::app::App;
use super::error::Problem;
use super::query::Query;
use crate::domain::incident::register::Case;

/// Items of a page where none is asked for, and at most.
pub const DEFAULT_LIMIT: usize = 100;
/// Items of a page at most.
pub const MOST_ITEMS: usize = 1_000;
/// Corners of the outlines of one answer at most, as far as rolling cells up can bring
/// that about.
pub const MOST_CORNERS: usize = 200_000;
/// Corners of one outline at most.
pub const MOST_CORNERS_OF_ONE: usize = 20_000;

/// `limit` of a query.
///
/// # Errors
/// Where it is no number of items.
pub fn limit(query: &Query<'_>) -> Result<usize, Problem> {
    let read = |text: &str| text.parse().ok().filter(|n| (1..=MOST_ITEMS).contains(n));
    Ok(query.value("limit", "a whole number 1..=1000", read)?.unwrap_or(DEFAULT_LIMIT))
}

/// The first items of a list, at most so many, and where the page after them begins, if
/// there is one.
pub fn page<T>(
    items: impl Iterator<Item = T>,
    limit: usize,
    cursor: impl FnOnce(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let mut found: Vec<T> = items.take(limit + 1).collect();
    let has_more = limit < found.len();
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(cursor);
    (found, next)
}

/// `min_score` of a query.
///
/// # Errors
/// Where it is no number from 0 on.
pub fn min_score(query: &Query<'_>) -> Result<Option<f64>, Problem> {
    let read =
        |text: &str| text.parse().ok().filter(|score: &f64| score.is_finite() && *score >= 0.0);
    query.value("min_score", "a number from 0 on", read)
}

/// `provider` and `network` of a query, each of which may be left out: ids as the
/// catalogue knows them; or as incidents do, since a provider may leave the catalogue and
/// what it had does not.
///
/// # Errors
/// Where neither knows one of them.
pub fn subjects(query: &Query<'_>, app: &App) -> Result<(Option<String>, Option<String>), Problem> {
    let (catalogue, register) = (app.engine.catalogue(), app.engine.register());
    let mut told = register.newest_first(None).map(Case::latest);
    let provider = match query.text("provider") {
        None => None,
        Some(id) => {
            let known = catalogue.find(id).map(|index| catalogue.get(index).id.clone());
            let known = known.or_else(|| {
                told.any(|incident| incident.brand(id).is_some()).then(|| id.to_owned())
            });
            Some(known.ok_or_else(|| Problem::unknown_provider(id))?)
        }
    };
    let mut told = register.newest_first(None).map(Case::latest);
    let network = match query.text("network") {
        None => None,
        Some(name) => {
            let is_known = catalogue.find_network(name).is_some()
                || told.any(|incident| incident.network == name);
            let unknown = || Problem::unknown_network(name);
            Some(is_known.then(|| name.to_owned()).ok_or_else(unknown)?)
        }
    };
    Ok((provider, network))
}
