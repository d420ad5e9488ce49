//! Providers as they come: the catalogue of whoever the files name, by an id or by a mobile network code.

use super::ReplayError;
use super::lines::{Lines, Next};
use super::source::Source;
use crate::domain::provider::{Catalogue, MOST_PROVIDERS, Provider, is_id};
use crate::wire::scalar::Scalar;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// First three digits of codes of networks: of a country, of no country (901), for tests (001) and private ones (999). What else stands there is
/// what phones send for "unknown".
const COUNTRIES: [std::ops::RangeInclusive<u32>; 4] = [200..=799, 901..=901, 1..=1, 999..=999];
/// What iPhones send since iOS 16.4: the largest number of 16 bits, as the code of South Africa's network 35, which there is not.
const PLACEHOLDER: &str = "65535";

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    provider: Scalar<'a>,
    #[serde(borrow, default)]
    plmn: Scalar<'a>,
}

/// Ids that were named, each with the mobile network codes that mean it.
type Ids = BTreeMap<String, BTreeSet<String>>;

/// A catalogue of every provider that any line of these files names, sorted by id; those without a sound id are left out. A mobile network
/// code means whom it means in `known`, and where nobody has it there, a provider of its own: `plmn-302999`.
///
/// Reads all files once: a store numbers its providers when it opens.
///
/// # Errors
/// Where a file cannot be read, or they name too many.
pub fn named_in<'a>(files: impl IntoIterator<Item = &'a Source>, known: &Catalogue) -> Result<Catalogue, ReplayError> {
    let mut ids = Ids::new();
    for file in files {
        let mut lines = Lines::open(file)?;
        loop {
            match lines.next()? {
                Next::Line(line) if ids.len() <= MOST_PROVIDERS => note(line, known, &mut ids),
                Next::Line(_) | Next::Flaw(_) => {}
                Next::End => break,
            }
        }
    }
    let provider = |(id, plmn): (String, BTreeSet<String>)| Provider { plmn: plmn.into_iter().collect(), ..Provider::of_id(id) };
    Ok(if ids.is_empty() { Catalogue::default() } else { Catalogue::new(ids.into_iter().map(provider).collect())? })
}

fn note(line: &[u8], known: &Catalogue, ids: &mut Ids) {
    let Ok(Named { provider, plmn }) = serde_json::from_slice(line) else { return };
    match (provider, plmn) {
        (Scalar::Text(id), _) if is_id(&id) && !ids.contains_key(&*id) => {
            ids.insert(id.into_owned(), BTreeSet::new());
        }
        (Scalar::Missing, plmn) => {
            let Some(code) = code(&plmn) else { return };
            let id = known.find_plmn(&code).map_or_else(|| format!("plmn-{code}"), |index| known.get(index).id.clone());
            let codes = ids.entry(id).or_default();
            if !codes.contains(&code) {
                codes.insert(code);
            }
        }
        _ => {}
    }
}

/// The digits of a mobile network code, of a real network.
fn code(plmn: &Scalar<'_>) -> Option<String> {
    let digits: String = match plmn {
        Scalar::Text(text) => text.chars().filter(|character| *character != '-' && !character.is_whitespace()).collect(),
        Scalar::Number(number) => number.to_string(),
        _ => return None,
    };
    let is_code = matches!(digits.len(), 5 | 6) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let country: u32 = digits.get(..3).filter(|_| is_code)?.parse().ok()?;
    let is_real = COUNTRIES.iter().any(|countries| countries.contains(&country)) && !digits.starts_with(PLACEHOLDER);
    is_real.then_some(digits)
}
