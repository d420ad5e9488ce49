//! Where in the text of a catalogue a value stands: its line, and the provider around it.
//! Asked only for messages.

use super::CatalogueFileError;
use crate::domain::provider::Place;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The line of a value, from 1; of a value that is not said, the line of its provider.
pub fn line(text: &str, place: Place) -> usize {
    line_at(text, span(text, place).map_or(0, |span| span.start))
}

/// What makes a text no list of providers, as its reader found it.
pub fn shape(text: &str, error: &toml::de::Error) -> CatalogueFileError {
    let at = error.span().map_or(0, |span| span.start);
    let reason = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    CatalogueFileError::Shape { line: line_at(text, at), provider: provider_at(text, at), reason }
}

/// The line of a byte, from 1.
#[must_use]
pub fn line_at(text: &str, at: usize) -> usize {
    1 + text.get(..at).unwrap_or(text).matches('\n').count()
}

fn span(text: &str, place: Place) -> Option<Range<usize>> {
    let table = DeTable::parse(text).ok()?.into_inner();
    let provider = providers(&table)?.get(place.provider)?;
    let value = provider
        .get_ref()
        .as_table()
        .and_then(|provider| provider.get(place.field))
        .unwrap_or(provider);
    let item = value.get_ref().as_array().and_then(|list| list.get(place.item));
    Some(item.unwrap_or(value).span())
}

/// The id of the last provider that begins before a byte.
fn provider_at(text: &str, at: usize) -> Option<String> {
    let table = DeTable::parse(text).ok()?.into_inner();
    let provider = providers(&table)?.iter().rev().find(|provider| provider.span().start <= at)?;
    let id = provider.get_ref().as_table()?.get("id")?.get_ref().as_str()?;
    Some(id.to_owned())
}

fn providers<'a, 'i>(table: &'a DeTable<'i>) -> Option<&'a [Spanned<DeValue<'i>>]> {
    table.get("provider")?.get_ref().as_array().map(|list| &**list)
}
