//! Reads catalogues of providers from TOML: the one compiled in, or an operator's own.

use crate::domain::provider::{Catalogue, CatalogueError, Category, Provider};
use serde::Deserialize;
use std::path::{Path, PathBuf};

const BUILTIN: &str = include_str!("builtin.toml");

/// Why a file is no catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueFileError {
    /// It cannot be read.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not of the shape described in the README.
    #[error("not a catalogue: {0}")]
    Shape(#[from] toml::de::Error),
    /// A provider breaks a rule.
    #[error(transparent)]
    Rule(#[from] CatalogueError),
    /// A category that does not exist.
    #[error("category of {provider} must be mobile, internet or service, got {category:?}")]
    Category {
        /// Whose.
        provider: String,
        /// What it says.
        category: String,
    },
}

/// The catalogue that is compiled in.
///
/// # Panics
/// Never in a build whose tests pass.
#[must_use]
pub fn builtin() -> Catalogue {
    parse(BUILTIN).expect("a test reads the compiled-in catalogue")
}

/// The catalogue in a file.
///
/// # Errors
/// Where it cannot be read or is none.
pub fn read(path: &Path) -> Result<Catalogue, CatalogueFileError> {
    let text = std::fs::read_to_string(path).map_err(|source| CatalogueFileError::Io { path: path.to_owned(), source })?;
    parse(&text)
}

/// The catalogue of a text.
///
/// # Errors
/// Where it is none.
pub fn parse(text: &str) -> Result<Catalogue, CatalogueFileError> {
    let file: File = toml::from_str(text)?;
    let providers = file.provider.into_iter().map(Row::into_provider).collect::<Result<_, _>>()?;
    Ok(Catalogue::new(providers)?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    provider: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    name: String,
    category: String,
    #[serde(default)]
    countries: Vec<String>,
    network: Option<String>,
    #[serde(default)]
    depends_on: Vec<String>,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    plmn: Vec<String>,
    subscribers: Option<u64>,
    #[serde(default)]
    retired: bool,
}

impl Row {
    fn into_provider(self) -> Result<Provider, CatalogueFileError> {
        let Some(category) = Category::from_name(&self.category) else {
            return Err(CatalogueFileError::Category { provider: self.id, category: self.category });
        };
        Ok(Provider {
            network: self.network.unwrap_or_else(|| self.id.clone()),
            id: self.id,
            name: self.name,
            category,
            countries: self.countries,
            depends_on: self.depends_on,
            aliases: self.aliases,
            plmn: self.plmn,
            subscribers: self.subscribers,
            retired: self.retired,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::provider::Subject;

    #[test]
    fn the_compiled_in_catalogue_knows_the_brands_of_8_july_2022() {
        let catalogue = builtin();
        let rogers = Subject::Network(catalogue.find_network("rogers").unwrap());
        let brands: Vec<&str> = catalogue.brands(rogers).iter().map(|index| catalogue.get(*index).id.as_str()).collect();
        assert!(["rogers", "fido", "chatr"].iter().all(|id| brands.contains(id)), "{brands:?}");
        assert_eq!(catalogue.find_plmn("302370"), catalogue.find("fido"));
        assert!(catalogue.get(catalogue.find("interac").unwrap()).depends_on.contains(&"rogers".to_owned()));
    }

    #[test]
    fn a_short_table_is_enough() {
        let catalogue = parse("[[provider]]\nid = \"alpha\"\nname = \"Alpha\"\ncategory = \"mobile\"\n").unwrap();
        assert_eq!(catalogue.get(catalogue.find("alpha").unwrap()).network, "alpha");
    }

    #[test]
    fn what_is_no_catalogue_is_refused_with_the_reason() {
        let rows = [
            ("", "missing field `provider`"),
            ("[[provider]]\nid = 1\nname = \"a\"\ncategory = \"mobile\"", "expected a string"),
            ("[[provider]]\nid = \"a\"\nname = \"a\"\ncategory = \"postal\"", "\"postal\""),
            ("[[provider]]\nid = \"A\"\nname = \"a\"\ncategory = \"mobile\"", "\"A\""),
            ("[[provider]]\nid = \"a\"\nname = \"a\"\ncategory = \"mobile\"\nplnm = []", "unknown field `plnm`"),
        ];
        for (text, expected) in rows {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
