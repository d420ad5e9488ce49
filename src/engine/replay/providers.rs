//! Providers as they come: the catalogue of whoever the files name, by an id or by a
//! mobile network code.

use super::ReplayError;
use super::input::Input;
use super::lines::{Lines, Next};
use crate::domain::provider::{Catalogue, MOST_PROVIDERS, Provider, is_id};
use crate::wire::plmn::{digits, is_nothing, is_placeholder};
use crate::wire::scalar::Scalar;
use crate::wire::text::parsed;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// First three digits of codes of networks: of a country, of no country (901), for tests
/// (001) and private ones (999). What else stands there is what phones send for
/// "unknown".
const COUNTRIES: [std::ops::RangeInclusive<u32>; 4] = [200..=799, 901..=901, 1..=1, 999..=999];

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow, default)]
    provider: Scalar<'a>,
    #[serde(borrow, default)]
    plmn: Scalar<'a>,
}

/// Ids that were named, each with the mobile network codes that mean it.
type Ids = BTreeMap<String, BTreeSet<String>>;

/// A catalogue of every provider that any line of these files names, sorted by id; those
/// without a sound id are left out. A mobile network code means whom it means in `known`,
/// and where nobody has it there, a provider of its own: `plmn-302999`.
///
/// Reads all files once: a store numbers its providers when it opens.
///
/// # Errors
/// Where a file cannot be read, or they name too many.
pub fn named_in<'a>(
    files: impl IntoIterator<Item = &'a Input>,
    known: &Catalogue,
) -> Result<Catalogue, ReplayError> {
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
    let provider = |(id, plmn): (String, BTreeSet<String>)| Provider {
        plmn: plmn.into_iter().collect(),
        ..Provider::of_id(id)
    };
    Ok(if ids.is_empty() {
        Catalogue::default()
    } else {
        Catalogue::new(ids.into_iter().map(provider).collect())?
    })
}

fn note(line: &[u8], known: &Catalogue, ids: &mut Ids) {
    let mut room = Vec::new();
    let Ok(Named { provider, plmn }) = parsed(line, &mut room) else { return };
    let code = code(plmn);
    let owner = code
        .as_deref()
        .and_then(|code| known.find_plmn(code))
        .map(|index| known.get(index).id.as_str());
    let by_code =
        || owner.map(str::to_owned).or_else(|| Some(format!("plmn-{}", code.as_deref()?)));
    let id = match &provider {
        Scalar::Text(name) if !is_nothing(name) => {
            Some(name.clone().into_owned()).filter(|name| is_id(name))
        }
        Scalar::Missing | Scalar::Text(_) => by_code(),
        _ => None,
    };
    let Some(id) = id else { return };
    // Beside a name only a code that is known to be that provider's is: no two may have
    // one.
    let is_its_own = owner.map_or_else(|| by_code().as_ref() == Some(&id), |owner| owner == id);
    let codes = ids.entry(id).or_default();
    codes.extend(code.filter(|_| is_its_own));
}

/// The digits of a mobile network code, of a real network.
fn code(code: Scalar<'_>) -> Option<String> {
    let Scalar::Text(text) = code.spelt_out() else { return None };
    let digits = digits(&text);
    let is_code = matches!(digits.len(), 5 | 6)
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !is_placeholder(&text);
    let country: u32 = digits.get(..3).filter(|_| is_code)?.parse().ok()?;
    COUNTRIES.iter().any(|countries| countries.contains(&country)).then_some(digits)
}
