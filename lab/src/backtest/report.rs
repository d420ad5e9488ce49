//! A report that a person can look at: an index, and a page of plots for each stream.

use super::examined::Examined;
use super::page;
use super::score::score;
use super::set::{Set, Stream};
use super::table::table;

/// The name of the page that names all others.
pub const INDEX: &str = "index.html";

/// The name of a stream's page.
#[must_use]
pub fn page_of(stream: &Stream) -> String {
    format!("{}.html", stream.scenario)
}

/// The pages of the report, one after the other, each with its name; the index comes
/// last.
pub fn pages<'a>(
    set: &'a Set,
    examined: &'a [(&Stream, Examined)],
) -> impl Iterator<Item = (String, String)> + 'a {
    let index = || {
        let table = table(&score(examined.iter().map(|(_, one)| &one.judged)));
        let all: Vec<&Examined> = examined.iter().map(|(_, one)| one).collect();
        (INDEX.to_owned(), page::index(&table, &all))
    };
    examined
        .iter()
        .map(|(stream, one)| (page_of(stream), page::stream(set, stream, one)))
        .chain(std::iter::once_with(index))
}
