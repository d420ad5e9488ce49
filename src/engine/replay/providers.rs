//! Providers as they come: the catalogue of whoever the files name.

use super::ReplayError;
use super::lines::{Lines, Next};
use crate::domain::provider::{Catalogue, MOST_PROVIDERS, Provider, is_id};
use crate::wire::scalar::Scalar;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    provider: Scalar<'a>,
}

/// A catalogue of every provider that any line of these files names, sorted by id; those without a sound id are left out.
///
/// Reads all files once: a store numbers its providers when it opens.
///
/// # Errors
/// Where a file cannot be read, or they name too many.
pub fn named_in<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> Result<Catalogue, ReplayError> {
    let mut ids = BTreeSet::new();
    for file in files {
        let mut lines = Lines::open(file)?;
        loop {
            match lines.next()? {
                Next::Line(line) => {
                    if let Ok(Named { provider: Scalar::Text(id) }) = serde_json::from_slice(line)
                        && !ids.contains(&*id)
                        && is_id(&id)
                        && ids.len() <= MOST_PROVIDERS
                    {
                        ids.insert(id.into_owned());
                    }
                }
                Next::Flaw(_) => {}
                Next::End => break,
            }
        }
    }
    Ok(if ids.is_empty() { Catalogue::default() } else { Catalogue::new(ids.into_iter().map(Provider::of_id).collect())? })
}
